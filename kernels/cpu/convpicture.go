package cpu

// picture computes the gradient of the picture: x (b,h,w,c) = act(transpose of the convolution of dy + bias +
// res), into x or added to it. This is also the forward pass of a transposed convolution.
//
// A pixel meets the window's element p where (pixel + pad − p·dilation) is a multiple of the stride. Pixels
// that agree modulo the strides meet the same elements: they are a phase, and a phase is a convolution of its
// own, over dy, of stride 1, with those elements in reverse. Where the window is a multiple of the stride,
// the pixels of a row from one multiple of the stride to the next meet the same positions, and are columns of
// one product.
func (b *Backend) picture(g geometry, dy []float32, w weights, x []float32, acc bool, e epilogue) {
	if g.pixels() == 0 {
		clear(e.sums)
		return
	}
	if b.depthwise(&g) {
		b.slide(g, dy, w, x, true, acc, e)
		return
	}
	p := b.plan()
	fresh := g.groups == 1 && b.fresh(g.pixels()/g.phases(), g.c*g.joined())
	panels, lent := p.panels(w, b.pictureLen(g), g, fresh, (*packer).picture)
	p.groups = g.groups
	n := g.c / g.groups
	bias := b.repeated(e.bias, g.joined())
	at := 0
	for i := range g.phases() {
		ph, group := g.phase(i)
		e := e.channels(group * n)
		one := product{n: n * ph.joined, k: ph.window(), a: dy, aStep: 1, b: behind(panels, at),
			c: x[group*n:], bias: e.bias, res: e.res, act: e.act}
		if panels == nil {
			one.fresh, one.pass = true, freshPass
		}
		if bias != nil {
			one.bias = bias
		}
		if acc {
			one.res = one.c
		}
		at += ph.packedLen(b)
		p.product(one)
		p.windows(&ph.geometry, group, walk{
			c:  [3]int{g.h * g.w * g.c, ph.rows.stride * g.w * g.c, ph.cols.stride * g.c},
			c0: (ph.rows.first*g.w + ph.cols.first) * g.c,
		}, ph.cropped*n, max(0, ph.cols.first+ph.cols.n*ph.joined-g.w)*n)
	}
	p.execute(e.sums)
	b.scratch.put(lent)
	b.scratch.put(bias)
}

// repeated is x n times in scratch, or nil if once is enough.
func (b *Backend) repeated(x []float32, n int) []float32 {
	if n == 1 || x == nil {
		return nil
	}
	out := b.scratch.get(n * len(x))
	for i := range n {
		copy(out[i*len(x):], x)
	}
	return out
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

// blocksOf is the axis of all pixels, in blocks of stride that begin at multiples of it in the padded
// picture.
func blocksOf(size, k, stride, pad int) axis {
	a := axis{stride: stride, dil: 1, count: k / stride, last: k - stride, step: stride}
	from := pad / stride
	a.first = from*stride - pad
	a.n = (size - a.first + stride - 1) / stride
	a.pad = a.count - 1 - from
	return a
}

// phase is the pixels of one residue modulo the strides, and the windows over dy that they gather; or the
// blocks of joined pixels of a row, the first one cropped by some pixels.
type phase struct {
	rows, cols      axis
	joined, cropped int
	geometry
}

// joined is the pixels in a block, 1 if blocks would not be wider than phases or waste columns.
func (g *geometry) joined() int {
	s := g.StrideW
	if g.KW%s != 0 || g.DilW > 1 || g.groups > 1 || cyclesOf(s*g.c) > s*cyclesOf(g.c) {
		return 1
	}
	return s
}

// phases is their number, for all groups.
func (g *geometry) phases() int { return g.groups * g.StrideH * g.StrideW / g.joined() }

// phase is the i-th of them, and its group.
func (g *geometry) phase(i int) (ph phase, group int) {
	ph.joined = g.joined()
	cols := g.StrideW / ph.joined
	ph.rows = axisOf(i/cols%g.StrideH, g.h, g.KH, g.StrideH, g.PadH, g.DilH)
	if ph.joined > 1 {
		ph.cols = blocksOf(g.w, g.KW, g.StrideW, g.PadW)
		ph.cropped = -ph.cols.first
	} else {
		ph.cols = axisOf(i%cols, g.w, g.KW, g.StrideW, g.PadW, g.DilW)
	}
	o := *g
	o.KH, o.StrideH, o.PadH, o.DilH = ph.rows.count, 1, ph.rows.pad, ph.rows.dil
	o.KW, o.StrideW, o.PadW, o.DilW = ph.cols.count, 1, ph.cols.pad, ph.cols.dil
	o.h, o.w, o.c, o.oh, o.ow, o.oc = g.oh, g.ow, g.oc, ph.rows.n, ph.cols.n, g.c
	ph.geometry = o
	return ph, i / (g.StrideH * cols)
}

// packedLen is the size of its packed weights; a cropped block is read beyond the last of them.
func (ph *phase) packedLen(b *Backend) int {
	n := b.packedLen(ph.window(), ph.joined*ph.oc/ph.groups)
	if ph.joined > 1 {
		n += wholeColumns
	}
	return n
}

// pictureLen is the size of the weights of all phases, packed for picture.
func (b *Backend) pictureLen(g geometry) (n int) {
	if b.depthwise(&g) {
		return b.forwardLen(g)
	}
	for i := range g.phases() {
		ph, _ := g.phase(i)
		n += ph.packedLen(b)
	}
	return n
}

// picture adds them.
func (p *packer) picture(g geometry, weight, to []float32) {
	if p.b.depthwise(&g) {
		p.b.packMates(to, weight, g)
		return
	}
	perGroup, channels := g.oc/g.groups, g.c/g.groups
	for p.product = range g.phases() {
		ph, group := g.phase(p.product)
		for t := range ph.KH * ph.KW {
			e, f := ph.rows.last-t/ph.KW*ph.rows.step, ph.cols.last-t%ph.KW*ph.cols.step
			first := group*perGroup*g.window() + (e*g.KW+f)*channels
			p.rows(to, ph.window(), t*perGroup, weight[first:], g.window(), perGroup, channels*ph.joined)
		}
		if to != nil {
			n := ph.packedLen(p.b)
			clear(to[n-wholeColumns*min(1, ph.joined-1) : n])
			to = to[n:]
		}
	}
}
