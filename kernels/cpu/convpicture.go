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
	b.parallel(g.phases(), 1, func(i, _ int) {
		ph, group := g.phase(i)
		panels, done := b.operand(w, i, ph.packedLen(b), func(to []float32) { ph.pack(b, g, group, w.raw, to) })
		defer done()
		ph.run(b, g, group, dy, panels, x, acc, e)
	})
}

// axis is one axis of a phase: its pixels are first, first+stride ..., n of them; pixel i meets at position
// i−pad+e·dil the element elements[e] of the window.
type axis struct {
	first, stride, n int
	elements         []int
	pad, dil         int
}

func axisOf(residue, size, k, stride, pad, dil int) axis {
	a := axis{first: ((residue-pad)%stride + stride) % stride, stride: stride, dil: 1}
	a.n = max(0, (size-a.first+stride-1)/stride)
	for p := k - 1; p >= 0; p-- {
		if p*dil%stride == residue {
			a.elements = append(a.elements, p)
		}
	}
	if n := len(a.elements); n > 0 {
		a.pad = (a.elements[0]*dil - a.first - pad) / stride // a multiple of the stride
		if n > 1 {
			a.dil = (a.elements[0] - a.elements[1]) * dil / stride
		}
	}
	return a
}

// phase is the pixels of one residue modulo the strides, and the windows over dy that they gather.
type phase struct {
	rows, cols axis
	windows
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
	o.KH, o.StrideH, o.PadH, o.DilH = len(ph.rows.elements), 1, ph.rows.pad, ph.rows.dil
	o.KW, o.StrideW, o.PadW, o.DilW = len(ph.cols.elements), 1, ph.cols.pad, ph.cols.dil
	o.h, o.w, o.c, o.oh, o.ow, o.oc = g.oh, g.ow, g.oc, ph.rows.n, ph.cols.n, g.c
	ph.windows = windows{geometry: o, depth: g.oc / g.groups}
	if g.positions() > 0 {
		ph.setTaps()
	}
	return ph, i / (g.StrideH * g.StrideW)
}

func (ph *phase) packedLen(b *Backend) int {
	return b.packedLen(ph.KH*ph.KW*ph.depth, ph.oc/ph.groups)
}

// pack packs the weights of the phase for one group of the geometry g.
func (ph *phase) pack(b *Backend, g geometry, group int, weight, to []float32) {
	perGroup, channels, taps := g.oc/g.groups, g.c/g.groups, ph.KH*ph.KW
	for t := range taps {
		p, q := ph.rows.elements[t/ph.KW], ph.cols.elements[t%ph.KW]
		first := group*perGroup*g.window() + (p*g.KW+q)*channels
		b.packRows(to, taps*perGroup, t*perGroup, weight[first:], g.window(), perGroup, channels)
	}
}

// run computes the phase for one group of the geometry g.
func (ph *phase) run(b *Backend, g geometry, group int, dy, panels, x []float32, acc bool, e epilogue) {
	perGroup, channels := g.oc/g.groups, g.c/g.groups
	c := group * channels
	e = e.channels(c)
	p := product{
		m: ph.positions(), n: channels, taps: ph.taps, depth: perGroup,
		aStep: 1, b: panels, c: x[c:], res: e.res, bias: e.bias, act: e.act,
	}
	if ph.taps > 0 {
		p.a = dy[group*perGroup:]
	}
	if acc {
		p.res = p.c
	}
	p.place = func(lo, hi int, aOff, cOff []int64) {
		ph.locate(lo, hi, 0, ph.taps, aOff)
		for r := range cOff {
			i, j, n := (lo+r)/ph.ow%ph.oh, (lo+r)%ph.ow, (lo+r)/(ph.ow*ph.oh)
			y, x := ph.rows.first+i*ph.rows.stride, ph.cols.first+j*ph.cols.stride
			cOff[r] = 4 * int64(((n*g.h+y)*g.w+x)*g.c)
		}
	}
	b.run(&p)
}
