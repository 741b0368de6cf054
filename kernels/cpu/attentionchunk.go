package cpu

import "math"

// attentionChunk is some blocks of queries of one head, and what the goroutine that computes them has.
type attentionChunk struct {
	*attention
	level          *level
	small          smallRunner
	memory, lent   []float32 // what take has not taken yet, and all of it
	head, part     int
	q, k, v, y, dy []float32 // from the head's first token on
}

// run does the work on chunk i.
func (a *attention) run(i int) {
	c := a.b.chunksOfAttention.get()
	c.attention, c.level, c.head, c.part = a, a.b.level, i/a.parts, i%a.parts
	c.q, c.k = c.tokens(floats(a.Q), a.TQ, a.LDQ), c.tokens(floats(a.K), a.TK, a.LDK)
	c.v, c.y = c.tokens(floats(a.V), a.TK, a.LDV), c.tokens(floats(a.Y), a.TQ, a.width())
	c.dy = c.tokens(floats(a.DY), a.TQ, a.width())
	a.work(c)
	a.b.scratch.put(c.lent)
	c.attention, c.memory, c.lent, c.q, c.k, c.v, c.y, c.dy = nil, nil, nil, nil, nil, nil, nil, nil
	a.b.chunksOfAttention.put(c)
}

// tokens is x from the head's first token on, of n in a picture; nil if x is.
func (c *attentionChunk) tokens(x []float32, n, ld int) []float32 {
	if x == nil {
		return nil
	}
	return x[c.head/c.NH*n*ld+c.head%c.NH*c.HD:]
}

// each calls f for the chunk's blocks of queries, until the context ends.
func (c *attentionChunk) each(f func(from, to int)) {
	for i := c.part * c.blocks / c.parts; i < (c.part+1)*c.blocks/c.parts; i++ {
		select {
		case <-c.b.cancel:
			return
		default:
			f(c.block(i))
		}
	}
}

// borrow makes n elements ready for take.
func (c *attentionChunk) borrow(n int) {
	c.lent = c.b.scratch.get(n)
	c.memory = c.lent
}

// take is n elements of the chunk's memory, of arbitrary content.
func (c *attentionChunk) take(n int) []float32 {
	x := c.memory[:n]
	c.memory = c.memory[roundUp(n, columnStep):]
	return x
}

func (c *attentionChunk) takePanels(rows, n int) panels {
	return panels{c.take(panelsLen(rows, n)), rows}
}

// one is the factor of rows that are copied.
var one = [1]float32{1}

// pack copies rows of HD elements, ld apart, to panels.
func (c *attentionChunk) pack(dst panels, src []float32, ld, rows int) {
	for n := 0; n < c.HD; n += c.level.width {
		c.level.attention.scaleRows(&dst.x[n*dst.rows], &src[n], &one[0], rows, min(c.level.width, c.HD-n),
			c.level.panelWidth(c.HD, n), ld, 0)
	}
}

// depth4 is the head's width in whole groups of four, as transpose takes them.
func (a *attention) depth4() int { return roundUp(a.HD, 4) }

// transpose packs the transpose of n rows of HD elements, ld apart: panels of depth4 rows and n columns. Rows
// that do not fill a step of the kernel go through edge.
func (c *attentionChunk) transpose(dst panels, src []float32, ld, n int, edge []float32) {
	l, d := c.level, c.depth4()
	for r := 0; r < n; r += l.lanes {
		from, step := src[r*ld:], ld
		if rows := min(l.lanes, n-r); rows < l.lanes || c.HD < d {
			l.attention.scaleRows(&edge[0], &from[0], &one[0], rows, c.HD, d, ld, 0)
			from, step = edge, d
		}
		panel := r / l.width * l.width
		w := l.panelWidth(n, panel)
		l.transpose(&dst.x[panel*dst.rows+r-panel], &from[0], 4*w, 4*step, d/4)
	}
}

// times multiplies rows of HD elements, ld apart, with transposed ones: s (rows,cols).
func (c *attentionChunk) times(s, x []float32, ld, rows int, y panels, cols int) {
	c.small.run(c.level, &small{m: rows, n: cols, depth: c.HD, a: x, aRow: ld, aStep: 1, b: y,
		c: s, cRow: cols})
}

// softmaxed is the memory of one block of scores, transposed, and of what their softmax leaves for queries.
type softmaxed struct {
	queries            panels // transposed
	edge, scores       []float32
	shift, sum, factor []float32 // factor is 1/sum
}

func (a *attention) softmaxedLen() int {
	return columnStep*a.depth4() + queryBlock*(a.depth4()+roundUp(a.TK, columnStep)+3)
}

func (c *attentionChunk) takeSoftmaxed() softmaxed {
	return softmaxed{
		queries: c.takePanels(c.depth4(), queryBlock), edge: c.take(columnStep * c.depth4()),
		scores: c.take(queryBlock * roundUp(c.TK, columnStep)),
		shift:  c.take(queryBlock), sum: c.take(queryBlock), factor: c.take(queryBlock),
	}
}

// softmax fills s for the queries from..to-1. Its scores, (TK,cols), are then exp(x − shift).
func (c *attentionChunk) softmax(s *softmaxed, from, to int) (cols int) {
	n := to - from
	cols = roundUp(n, columnStep)
	c.transpose(s.queries, c.q[from*c.LDQ:], c.LDQ, n, s.edge)
	c.times(s.scores, c.k, c.LDK, c.TK, s.queries, cols)
	for j := 0; j < cols; j += columnStep {
		c.level.attention.softmax(&s.scores[j], &s.shift[j], &s.sum[j], c.TK, cols, c.scale)
	}
	for j, v := range s.sum[:n] {
		s.factor[j] = 1 / v
	}
	return cols
}

// forward computes y and the log-sum-exp.
func (c *attentionChunk) forward() {
	c.borrow(c.softmaxedLen() + panelsLen(c.TK, c.HD))
	s, values := c.takeSoftmaxed(), c.takePanels(c.TK, c.HD)
	c.pack(values, c.v, c.LDV, c.TK)
	c.each(func(from, to int) {
		cols := c.softmax(&s, from, to)
		n, y, w := to-from, c.y[from*c.width():], c.width()
		c.small.run(c.level, &small{m: n, n: c.HD, depth: c.TK, a: s.scores, aRow: 1, aStep: cols, b: values,
			c: y, cRow: w})
		c.level.attention.scaleRows(&y[0], &y[0], &s.factor[0], n, c.HD, w, w, 1)
		if !c.LSE.IsZero() {
			s.logSumExp(floats(c.LSE)[c.head*c.TQ+from:][:n])
		}
	})
}

func (s *softmaxed) logSumExp(lse []float32) {
	for j := range lse {
		lse[j] = float32(float64(s.shift[j]) + math.Log(float64(s.sum[j])))
	}
}

// probabilities computes p (B,NH,TQ,TK).
func (c *attentionChunk) probabilities() {
	ld := roundUp(c.TK, columnStep)
	c.borrow(c.softmaxedLen() + queryBlock*ld)
	s, rows := c.takeSoftmaxed(), c.take(queryBlock*ld)
	c.each(func(from, to int) {
		cols := c.softmax(&s, from, to)
		for k := 0; k < c.TK; k += c.level.lanes {
			c.level.transpose(&rows[k], &s.scores[k*cols], 4*ld, 4*cols, cols/4)
		}
		p := &c.p[(c.head*c.TQ+from)*c.TK]
		c.level.attention.scaleRows(p, &rows[0], &s.factor[0], to-from, c.TK, c.TK, ld, 1)
	})
}
