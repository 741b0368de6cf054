package cpu

import (
	"math"

	"truegrain/kernels"
)

// keyBlock is how many keys the backward looks at together at most: their scores, and the gradient of those,
// stay in L2.
const keyBlock = 240

// backwardChunks are fewer than attentionChunks: the gradients of keys and values are sums over queries, and
// each chunk has its own. Where a chunk is a whole head it gives them away itself; else they are added up
// afterwards, in the order of the chunks.
const backwardChunks = 8

// AttentionBackward computes the gradients block by block, from probabilities that are recomputed with LSE.
func (b *Backend) AttentionBackward(op kernels.AttentionGrad) {
	exactly("attention", "DY", op.DY, op.B*op.TQ*op.NH*op.HD)
	checkTokens(op.Attention, op.DQ.Buf, op.DK.Buf, op.DV.Buf)
	if isEmpty(op.Attention) {
		zeroTokens(op.DQ, op.B*op.TQ, op.NH*op.HD, op.LDQ)
		zeroTokens(op.DK, op.B*op.TK, op.NH*op.HD, op.LDK)
		zeroTokens(op.DV, op.B*op.TK, op.NH*op.HD, op.LDV)
		return
	}
	exactly("attention", "Y", op.Y, op.DY.Len())
	exactly("attention", "LSE", op.LSE, op.B*op.NH*op.TQ)
	checkTokens(op.Attention, op.Q, op.K, op.V)
	a := b.attention(op, backwardChunks, math.MaxInt)
	if a.parts == 1 {
		a.each(a.chunks(), (*attentionChunk).backward)
	} else {
		a.sums = b.scratch.get(a.chunks() * a.sumsLen())
		a.each(a.chunks(), (*attentionChunk).backward)
		a.each(a.chunks(), (*attentionChunk).giveAll)
		b.scratch.put(a.sums)
	}
	a.end()
}

// zeroTokens is the gradient of n tokens that nothing depends on, of d elements each.
func zeroTokens(to kernels.Grad, n, d, ld int) {
	if !to.Wanted() || to.Acc || d == 0 {
		return
	}
	for t := range n {
		clear(floats(to.Buf)[t*ld:][:d])
	}
}

// sumsLen is dk and dv of one head.
func (a *attention) sumsLen() int { return 2 * a.TK * a.HD }

// gradients is the memory of one block of queries: they and what arrived for them, transposed and not; a
// block of probabilities and of their gradient, both transposed; and all keys.
type gradients struct {
	from, to, cols int
	queriesT, dyT  panels
	queries, dy    panels
	keys           panels
	edge           []float32
	p, ds          []float32
	lse, delta     []float32
	sums           []float32
}

func (a *attention) gradientsLen() int {
	return 2*panelsLen(a.depth4(), queryBlock) + 2*panelsLen(queryBlock, a.HD) + panelsLen(a.TK, a.HD) +
		columnStep*a.depth4() + queryBlock*(2*keyBlock+2)
}

func (c *attentionChunk) takeGradients() gradients {
	d := c.depth4()
	return gradients{
		queriesT: c.takePanels(d, queryBlock), dyT: c.takePanels(d, queryBlock),
		queries: c.takePanels(queryBlock, c.HD), dy: c.takePanels(queryBlock, c.HD),
		keys: c.takePanels(c.TK, c.HD), edge: c.take(columnStep * d), p: c.take(queryBlock * keyBlock),
		ds: c.take(queryBlock * keyBlock), lse: c.take(queryBlock), delta: c.take(queryBlock),
	}
}

// backward computes dq and the chunk's sums, and gives these away if the chunk is the whole head.
func (c *attentionChunk) backward() {
	if c.parts == 1 {
		c.borrow(c.gradientsLen() + c.sumsLen())
	} else {
		c.borrow(c.gradientsLen())
	}
	m := c.takeGradients()
	if c.parts == 1 {
		m.sums = c.memory[:c.sumsLen()]
	} else {
		m.sums = c.sums[(c.head*c.parts+c.part)*c.sumsLen():]
	}
	if c.DQ.Wanted() {
		c.pack(m.keys, c.k, c.LDK, c.TK)
	}
	first := true
	c.each(func(from, to int) {
		m.from, m.to, m.cols = from, to, roundUp(to-from, columnStep)
		c.load(&m)
		step := c.keyStep()
		for k := 0; k < c.TK; k += step {
			c.add(&m, k, min(step, c.TK-k), first)
		}
		first = false
	})
	if c.parts == 1 {
		c.give(m.sums)
	}
}

// keyStep cuts the keys evenly, in whole tiles.
func (c *attentionChunk) keyStep() int {
	blocks := (c.TK + keyBlock - 1) / keyBlock
	return roundUp((c.TK+blocks-1)/blocks, tileRows)
}

// load fills a block with its queries, what arrived for them, LSE, and δ = dy·y.
func (c *attentionChunk) load(m *gradients) {
	n, w := m.to-m.from, c.width()
	q, dy := c.q[m.from*c.LDQ:], c.dy[m.from*w:]
	c.transpose(m.queriesT, q, c.LDQ, n, m.edge)
	c.transpose(m.dyT, dy, w, n, m.edge)
	c.pack(m.queries, q, c.LDQ, n)
	c.pack(m.dy, dy, w, n)
	copy(m.lse, floats(c.LSE)[c.head*c.TQ+m.from:][:n])
	c.level.attention.dotRows(&m.delta[0], &dy[0], &c.y[m.from*w], n, c.HD, w, w, c.scale)
}

// add adds what the keys k..k+n-1 contribute to dq and to the sums.
func (c *attentionChunk) add(m *gradients, k, n int, first bool) {
	queries := m.to - m.from
	c.times(m.p, c.k[k*c.LDK:], c.LDK, n, m.queriesT, m.cols)
	c.times(m.ds, c.v[k*c.LDV:], c.LDV, n, m.dyT, m.cols)
	for j := 0; j < m.cols; j += columnStep {
		c.level.attention.gradient(&m.p[j], &m.ds[j], &m.lse[j], &m.delta[j], n, m.cols, c.scale)
	}
	sum := small{m: n, n: c.HD, depth: queries, aRow: m.cols, aStep: 1, cRow: c.HD, acc: !first}
	if c.DK.Wanted() {
		sum.a, sum.b, sum.c = m.ds, m.queries, m.sums[k*c.HD:]
		c.small.run(c.level, &sum)
	}
	if c.DV.Wanted() {
		sum.a, sum.b, sum.c = m.p, m.dy, m.sums[(c.TK+k)*c.HD:]
		c.small.run(c.level, &sum)
	}
	if c.DQ.Wanted() {
		dq := c.tokens(floats(c.DQ.Buf), c.TQ, c.LDQ)[m.from*c.LDQ:]
		c.small.run(c.level, &small{m: queries, n: c.HD, depth: n, a: m.ds, aRow: 1, aStep: m.cols,
			b: m.keys, first: k, c: dq, cRow: c.LDQ, acc: c.DQ.Acc || k > 0})
	}
}

// giveAll gives the sums of all chunks of a head away; its first chunk does that.
func (c *attentionChunk) giveAll() {
	if c.part == 0 {
		c.give(c.sums[c.head*c.parts*c.sumsLen():])
	}
}

// give writes the sums of the head's chunks to dk and then to dv, or adds them.
func (c *attentionChunk) give(sums []float32) {
	c.giveTo(c.DK, c.LDK, sums)
	c.giveTo(c.DV, c.LDV, sums[c.TK*c.HD:])
}

func (c *attentionChunk) giveTo(g kernels.Grad, ld int, sums []float32) {
	if !g.Wanted() {
		return
	}
	to := c.tokens(floats(g.Buf), c.TK, ld)
	for part := range c.parts {
		add := c.level.attention.scaleRows
		if g.Acc || part > 0 {
			add = c.level.attention.addRows
		}
		add(&to[0], &sums[part*c.sumsLen()], &one[0], c.TK, c.HD, ld, c.HD, 0)
	}
}
