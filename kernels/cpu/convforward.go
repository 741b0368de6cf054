package cpu

// narrow is the number of channels below which a copy of the picture with padded rows is worth its time,
// since whole rows of the window are then one tap.
const narrow = 16

// convolve computes y (positions, oc) = act(x ⋆ weight + bias + res); into y, or added to it.
func (b *Backend) convolve(g geometry, x []float32, w weights, y []float32, acc bool, e epilogue) {
	if g.positions() == 0 {
		return
	}
	v := b.windows(g, x)
	defer b.release(v)
	perGroup, channels := g.oc/g.groups, g.c/g.groups
	b.parallel(g.groups, 1, func(i, _ int) {
		panels, done := b.operand(w, i, b.packedLen(g.window(), perGroup), func(to []float32) {
			b.packGroup(g, i, w.raw, to)
		})
		defer done()
		o := i * perGroup
		e := e.channels(o)
		p := product{
			m: g.positions(), n: perGroup, taps: v.taps, depth: v.depth,
			aStep: 1, b: panels, c: y[o:], res: e.res, bias: e.bias, act: e.act,
		}
		if v.taps > 0 {
			p.a = v.x[i*channels:]
		}
		if acc {
			p.res = p.c
		}
		p.place = func(lo, hi int, aOff, cOff []int64) {
			v.locate(lo, hi, 0, v.taps, aOff)
			for r := range cOff {
				cOff[r] = 4 * int64((lo+r)*g.oc)
			}
		}
		b.run(&p)
	})
}

// packGroup packs the weights of one group.
func (b *Backend) packGroup(g geometry, group int, weight, to []float32) {
	perGroup := g.oc / g.groups
	b.packColumns(to, weight[group*perGroup*g.window():], g.window(), g.window(), perGroup)
}
