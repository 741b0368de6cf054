package cpu

// narrow is the number of channels below which a copy of the picture with padded rows is worth its time,
// since whole rows of the window are then one tap.
const narrow = 16

// convolve computes y (positions, oc) = act(x ⋆ weight + bias + res); into y, or added to it.
func (b *Backend) convolve(g geometry, x, weight, y []float32, acc bool, e epilogue) {
	if g.positions() == 0 {
		return
	}
	v := b.windows(g, x)
	defer b.release(v)
	perGroup, channels := g.oc/g.groups, g.c/g.groups
	b.parallel(g.groups, 1, func(i, _ int) {
		packed := b.scratch.get(b.packedLen(g.window(), perGroup))
		defer b.scratch.put(packed)
		b.packColumns(packed, weight[i*perGroup*g.window():], g.window(), g.window(), perGroup)

		o := i * perGroup
		e := e.channels(o)
		p := product{
			m: g.positions(), n: perGroup, taps: v.taps, depth: v.depth,
			aStep: 1, b: packed, c: y[o:], res: e.res, bias: e.bias, act: e.act,
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
