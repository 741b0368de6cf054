package cpu

// convolve computes y (positions, oc) = act(x ⋆ weight + bias + res); into y, or added to it.
func (b *Backend) convolve(g geometry, x []float32, w weights, y []float32, acc bool, e epilogue) {
	if g.positions() == 0 {
		clear(e.sums)
		return
	}
	if b.depthwise(&g) {
		b.slide(g, x, w, y, false, acc, e)
		return
	}
	var pairs []float32
	if w.pairs() {
		pairs = b.toPairs(x)
		g.c, x = g.c/2, pairs
	}
	p := b.plan()
	fresh := g.groups == 1 && b.fresh(g.positions(), g.oc)
	panels, lent := p.panels(w, b.forwardLen(g), g, fresh, (*packer).forward)
	p.groups = g.groups
	if e.sums != nil {
		p.depth = normDepth
	}
	n := g.oc / g.groups
	each := b.packedLen(g.window(), n)
	for i := range g.groups {
		e := e.channels(i * n)
		one := product{n: n, k: g.window(), a: x, aStep: 1, b: behind(panels, i*each), c: y[i*n:],
			bias: e.bias, res: e.res, act: e.act, pairs: pairs != nil}
		if panels == nil {
			one.fresh, one.pass = true, freshPass
		}
		if acc {
			one.res = one.c
		}
		p.product(one)
		p.windows(&g, i, walk{c: [3]int{g.oh * g.ow * g.oc, g.ow * g.oc, g.oc}}, 0, 0)
	}
	p.execute(e.sums)
	b.scratch.put(lent)
	b.scratch.put(pairs)
}

// forwardLen is the size of the weights of all groups, packed for convolve.
func (b *Backend) forwardLen(g geometry) int {
	if b.depthwise(&g) {
		return b.packedLen(g.window(), g.oc)
	}
	return g.groups * b.packedLen(g.window(), g.oc/g.groups)
}

// forward adds them.
func (p *packer) forward(g geometry, weight, to []float32) {
	n, k := g.oc/g.groups, g.window()
	if p.b.depthwise(&g) {
		p.columns(to, weight, k, k, g.oc)
		return
	}
	for p.product = range g.groups {
		p.columns(behind(to, p.product*p.b.packedLen(k, n)), weight[p.product*n*k:], k, k, n)
	}
}

// behind is a slice from i on, or nil.
func behind(x []float32, i int) []float32 {
	if x == nil {
		return nil
	}
	return x[i:]
}
