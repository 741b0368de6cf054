package cpu

// convolve computes y (positions, oc) = act(x ⋆ weight + bias + res); into y, or added to it.
func (b *Backend) convolve(g geometry, x []float32, w weights, y []float32, acc bool, e epilogue) {
	if g.positions() == 0 {
		clear(e.sums)
		return
	}
	var pairs []float32
	if w.pairs() {
		pairs = b.toPairs(x)
		g.c, x = g.c/2, pairs
	}
	panels, lent := b.panels(w, b.forwardLen(g), g, (*Backend).packForward)
	p := b.plan()
	p.groups = g.groups
	if e.sums != nil {
		p.depth = normDepth
	}
	n := g.oc / g.groups
	each := b.packedLen(g.window(), n)
	for i := range g.groups {
		e := e.channels(i * n)
		one := product{n: n, k: g.window(), a: x, aStep: 1, b: panels[i*each:], c: y[i*n:],
			bias: e.bias, res: e.res, act: e.act, pairs: pairs != nil}
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
	return g.groups * b.packedLen(g.window(), g.oc/g.groups)
}

// packForward packs them.
func (b *Backend) packForward(g geometry, weight, to []float32) {
	n, k := g.oc/g.groups, g.window()
	p := b.packer()
	for i := range g.groups {
		p.columns(to[i*b.packedLen(k, n):], weight[i*n*k:], k, k, n)
	}
	p.execute()
}
