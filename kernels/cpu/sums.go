package cpu

// Sums of channels are taken while the results of a chunk are in cache, in parts: [chunk][2][column of the
// chunk].

// partialOf is the part of chunk i.
func (p *plan) partialOf(i int) []float64 {
	width := len(p.partial) / len(p.chunks)
	return p.partial[i*width:][:width]
}

// maxColumns is the columns of the widest chunk.
func maxColumns(chunks []chunk) (n int) {
	for i := range chunks {
		n = max(n, chunks[i].behind-chunks[i].column)
	}
	return n
}

// sum adds up the columns of a chunk, runs of equally distant rows at a time.
func (r *runner) sum(p *plan, x *product, c *chunk, to []float64) {
	clear(to)
	sums, squares := to[:len(to)/2], to[len(to)/2:]
	for _, part := range r.pieces {
		from, behind := max(c.column, part.lackFirst), min(c.behind, x.n-part.lackLast)
		if from >= behind {
			continue
		}
		for off := r.cOff[part.row:][:part.rows]; len(off) > 0; {
			n, step := evenRun(off)
			p.b.level.stream.columnSums(&sums[from-c.column], &squares[from-c.column],
				&x.c[int(off[0])/4+from], n, behind-from, step)
			off = off[n:]
		}
	}
}

// evenRun is how many of some offsets, from the first on, are one step apart, and the step.
func evenRun(off []int64) (n, step int) {
	if len(off) == 1 {
		return 1, 0
	}
	d := off[1] - off[0]
	for n = 2; n < len(off) && off[n]-off[n-1] == d; n++ {
	}
	return n, int(d)
}

// addUp adds the parts of all chunks, in their order. Columns beyond the channels of a group are those of the
// next pixel.
func (p *plan) addUp(sums []float64) {
	clear(sums)
	group := p.channels / p.groups
	for i, c := range p.chunks {
		part := p.partialOf(i)
		first := c.product * p.groups / len(p.products) * group
		for j := c.column; j < c.behind; j++ {
			at := first + j%group
			sums[at] += part[j-c.column]
			sums[p.channels+at] += part[len(part)/2+j-c.column]
		}
	}
}
