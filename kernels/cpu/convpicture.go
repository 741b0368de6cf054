package cpu

// picture computes the gradient of the picture: x (b,h,w,c) = act(transpose of the convolution of dy + bias + res),
// into x or added to it. This is also the forward pass of a transposed convolution.
//
// A pixel meets the window's element p where (pixel + pad − p·dilation) is a multiple of the stride. Pixels that
// agree modulo the strides meet the same elements: they are a phase, a dense product of its own.
func (b *Backend) picture(g geometry, dy, weight, x []float32, acc bool, e epilogue) {
	if g.pixels() == 0 {
		return
	}
	b.parallel(g.groups*g.StrideH*g.StrideW, 1, func(i, _ int) {
		ph := phase{geometry: g, group: i / (g.StrideH * g.StrideW)}
		ph.rows = axisOf(i/g.StrideW%g.StrideH, g.h, g.oh, g.KH, g.StrideH, g.PadH, g.DilH)
		ph.cols = axisOf(i%g.StrideW, g.w, g.ow, g.KW, g.StrideW, g.PadW, g.DilW)
		ph.run(b, dy, weight, x, acc, e)
	})
}

// axis is one axis of a phase: the pixels first, first+stride ..., n of them, and the window's elements they meet.
type axis struct {
	first, n, stride    int
	elements            []int
	pad, dil, positions int
}

func axisOf(residue, size, positions, k, stride, pad, dil int) axis {
	first := ((residue-pad)%stride + stride) % stride
	a := axis{first: first, stride: stride, pad: pad, dil: dil, positions: positions}
	a.n = max(0, (size-first+stride-1)/stride)
	for p := range k {
		if p*dil%stride == residue {
			a.elements = append(a.elements, p)
		}
	}
	return a
}

// position is where the window stands when its element p lies on the phase's i-th pixel; -1 if nowhere.
func (a *axis) position(i, p int) int {
	at := a.first + i*a.stride + a.pad - p*a.dil // a multiple of the stride
	if at < 0 || at/a.stride >= a.positions {
		return -1
	}
	return at / a.stride
}

// phase is the pixels of one residue modulo the strides, and one group.
type phase struct {
	geometry
	group      int
	rows, cols axis
}

func (ph *phase) run(b *Backend, dy, weight, x []float32, acc bool, e epilogue) {
	perGroup, channels := ph.oc/ph.groups, ph.c/ph.groups
	taps := len(ph.rows.elements) * len(ph.cols.elements)
	if ph.positions() == 0 {
		taps = 0
	}
	packed := b.scratch.get(b.packedLen(taps*perGroup, channels))
	defer b.scratch.put(packed)
	for t := range taps {
		p, q := ph.rows.elements[t/len(ph.cols.elements)], ph.cols.elements[t%len(ph.cols.elements)]
		first := ph.group*perGroup*ph.window() + (p*ph.KW+q)*channels
		b.packRows(packed, taps*perGroup, t*perGroup, weight[first:], ph.window(), perGroup, channels)
	}
	c := ph.group * channels
	e = e.channels(c)
	p := product{
		m: ph.b * ph.rows.n * ph.cols.n, n: channels, taps: taps, depth: perGroup,
		aStep: 1, b: packed, c: x[c:], res: e.res, bias: e.bias, act: e.act,
	}
	if taps > 0 {
		p.a = dy[ph.group*perGroup:]
	}
	if acc {
		p.res = p.c
	}
	p.place = ph.place
	b.run(&p)
}

// place locates the positions that the phase's pixels lo..hi-1 meet, and the pixels.
func (ph *phase) place(lo, hi int, aOff, cOff []int64) {
	n := hi - lo
	for r := range n {
		u := lo + r
		i, j, b := u/ph.cols.n%ph.rows.n, u%ph.cols.n, u/(ph.cols.n*ph.rows.n)
		y, x := ph.rows.first+i*ph.rows.stride, ph.cols.first+j*ph.cols.stride
		cOff[r] = 4 * int64(((b*ph.h+y)*ph.w+x)*ph.c)
		if len(aOff) == 0 {
			continue
		}
		at := r
		for _, p := range ph.rows.elements {
			row := ph.rows.position(i, p)
			for _, q := range ph.cols.elements {
				col := ph.cols.position(j, q)
				aOff[at] = -1
				if row >= 0 && col >= 0 {
					aOff[at] = 4 * int64(((b*ph.oh+row)*ph.ow+col)*ph.oc)
				}
				at += n
			}
		}
	}
}
