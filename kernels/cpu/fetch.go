package cpu

// While a kernel computes, it fetches to L2 what is read next (tileArgs.next): memory is far, and the processor's own
// prefetching ends with a page.

// following is where packed B is read after the panel at column n in pass k of chunk i: the next panel, the first
// one of the next pass, or that of the chunk that comes next if two cores take turns.
func (p *plan) following(i, n, k int) uintptr {
	c := &p.chunks[i]
	x, w := &p.products[c.product], p.b.level.width
	if n += w; n >= c.behind {
		n, k = c.column, k+1
	}
	if k == x.passes() {
		c = &p.chunks[min(i+2, len(p.chunks)-1)]
		x, n, k = &p.products[c.product], c.column, 0
	}
	return address(x.b, n*x.k+k*x.pass*w)
}

// fetch makes the kernels fetch a panel, one that is read soon, while they compute so many rows: these hide it,
// unless they are few.
func (args *tileArgs) fetch(panel uintptr, rows int) {
	args.next = args.b
	if rows >= 2*tileRows {
		args.next, args.nextStep = panel, min(lineBytes, roundUp(ceil(args.bStep, ceil(rows, tileRows)), lineBytes/4))
	}
}

// lineBytes is the size of a cache line.
const lineBytes = 64

// column is a line of every row of the next pass in an operand that is read in place: what one tile fetches.
type column struct {
	from uintptr
	step int
}

// findSweeps lists what the next pass reads of B in the panel at column n, and a part of what it reads of A: as many
// as there are panels take care of that.
func (r *runner) findSweeps(p *plan, x *product, c *chunk, n, k int) {
	r.sweeps = r.sweeps[:0]
	if k+1 == x.passes() {
		return
	}
	part, w := r.pieces[0], p.b.level.width
	next := p.segmentsOf(part.band, k+1)
	if len(next) == 0 {
		return
	}
	r.sweep(address(x.b, next[0].b/4+n), 4*min(w, x.n-n), 4*x.bStep, 0, 1)
	r.sweep(address(x.a, next[0].a/4+part.a0+c.row), 4*c.rows, 4*x.aStep, (n-c.column)/w, ceil(c.behind-c.column, w))
}

// sweep adds the i-th of n parts of the lines in some bytes of a row.
func (r *runner) sweep(from uintptr, bytes, step, i, n int) {
	lines := ceil(bytes, lineBytes)
	for l := i * lines / n; l < (i+1)*lines/n; l++ {
		r.sweeps = append(r.sweeps, column{from + uintptr(l*lineBytes), step})
	}
}
