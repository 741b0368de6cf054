package cpu

// picture computes the gradient of the picture: x (b,h,w,c) = act(transpose of the convolution of dy + bias +
// res), into x or added to it. This is also the forward pass of a transposed convolution.
//
// A pixel meets the window's element p where (pixel + pad − p·dilation) is a multiple of the stride. Pixels
// that agree modulo the strides meet the same elements: they are a phase, and a phase is a convolution of its
// own, over dy, of stride 1, with those elements in reverse.
func (b *Backend) picture(g geometry, dy []float32, w weights, x []float32, acc bool, e epilogue) {
	if g.pixels() == 0 {
		return
	}
	panels, lent := b.panels(w, b.pictureLen(g), g, (*Backend).packPicture)
	p := b.plan()
	n := g.c / g.groups
	at := 0
	for i := range g.phases() {
		ph, group := g.phase(i)
		e := e.channels(group * n)
		one := product{n: n, k: ph.window(), a: dy, aStep: 1, b: panels[at:], c: x[group*n:],
			bias: e.bias, res: e.res, act: e.act}
		if acc {
			one.res = one.c
		}
		at += b.packedLen(one.k, n)
		p.product(one)
		p.windows(&ph.geometry, group, walk{
			c:  [3]int{g.h * g.w * g.c, ph.rows.stride * g.w * g.c, ph.cols.stride * g.c},
			c0: (ph.rows.first*g.w + ph.cols.first) * g.c,
		})
	}
	p.execute()
	b.scratch.put(lent)
}

// axis is one axis of a phase: its pixels are first, first+stride ..., n of them; pixel i meets at position
// i−pad+e·dil, e < count, the element last−e·step of the window.
type axis struct{ first, stride, n, count, last, step, pad, dil int }

func axisOf(residue, size, k, stride, pad, dil int) axis {
	a := axis{first: ((residue-pad)%stride + stride) % stride, stride: stride, dil: 1}
	a.n = max(0, (size-a.first+stride-1)/stride)
	for p := k - 1; p >= 0; p-- {
		if p*dil%stride != residue {
			continue
		}
		switch a.count {
		case 0:
			a.last, a.pad = p, (p*dil-a.first-pad)/stride // a multiple of the stride
		case 1:
			a.step, a.dil = a.last-p, (a.last-p)*dil/stride
		}
		a.count++
	}
	return a
}

// phase is the pixels of one residue modulo the strides, and the windows over dy that they gather.
type phase struct {
	rows, cols axis
	geometry
}

// phases is their number, for all groups.
func (g *geometry) phases() int { return g.groups * g.StrideH * g.StrideW }

// phase is the i-th of them, and its group.
func (g *geometry) phase(i int) (ph phase, group int) {
	residueH, residueW := i/g.StrideW%g.StrideH, i%g.StrideW
	ph = phase{
		rows: axisOf(residueH, g.h, g.KH, g.StrideH, g.PadH, g.DilH),
		cols: axisOf(residueW, g.w, g.KW, g.StrideW, g.PadW, g.DilW),
	}
	o := *g
	o.KH, o.StrideH, o.PadH, o.DilH = ph.rows.count, 1, ph.rows.pad, ph.rows.dil
	o.KW, o.StrideW, o.PadW, o.DilW = ph.cols.count, 1, ph.cols.pad, ph.cols.dil
	o.h, o.w, o.c, o.oh, o.ow, o.oc = g.oh, g.ow, g.oc, ph.rows.n, ph.cols.n, g.c
	ph.geometry = o
	return ph, i / (g.StrideH * g.StrideW)
}

// pictureLen is the size of the weights of all phases, packed for picture.
func (b *Backend) pictureLen(g geometry) (n int) {
	for i := range g.phases() {
		ph, _ := g.phase(i)
		n += b.packedLen(ph.window(), g.c/g.groups)
	}
	return n
}

// packPicture packs them.
func (b *Backend) packPicture(g geometry, weight, to []float32) {
	perGroup, channels := g.oc/g.groups, g.c/g.groups
	p := b.packer()
	for i := range g.phases() {
		ph, group := g.phase(i)
		for t := range ph.KH * ph.KW {
			e, f := ph.rows.last-t/ph.KW*ph.rows.step, ph.cols.last-t%ph.KW*ph.cols.step
			first := group*perGroup*g.window() + (e*g.KW+f)*channels
			p.rows(to, ph.window(), t*perGroup, weight[first:], g.window(), perGroup, channels)
		}
		to = to[b.packedLen(ph.window(), channels):]
	}
	p.execute()
}
