package cpu

// While a kernel computes, it fetches to L2 what is read next (tileArgs.next): memory is far, and the
// processor's own prefetching ends with a page.

// following is where packed B is read after the panel at column n in pass k of chunk i: the next panel, the
// first one of the next pass, or that of the chunk that comes next if two cores take turns.
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
	return address(x.b, x.panelAt(n, w)+k*x.pass*x.bStep)
}

// fetch makes the kernels fetch a panel, one that is read soon, while they compute so many rows: these hide
// it, unless they are few.
func (args *tileArgs) fetch(panel uintptr, rows int) {
	args.next = args.b
	if rows >= 2*tileRows {
		args.next = panel
		args.nextStep = min(lineBytes, roundUp(ceil(args.bStep, ceil(rows, tileRows)), lineBytes/4))
	}
}

// lineBytes is the size of a cache line.
const lineBytes = 64

// fetching is what one tile fetches, a line for every k.
type fetching struct {
	from uintptr
	step int
}

// fetchNext lists what the next pass reads of B in the panel at column n, and a part of what it reads of A:
// as many as there are panels take care of that.
func (r *runner) fetchNext(p *plan, x *product, c *chunk, n, k int) {
	r.fetches, r.fetched = r.fetches[:0], 0
	if k+1 == x.passes() {
		return
	}
	part, w := r.pieces[0], p.b.level.width
	next := p.segmentsOf(part.band, k+1)
	if len(next) == 0 {
		return
	}
	r.fetch(address(x.b, next[0].b/4+n), min(w, x.n-n), x.bStep, x.pass, 0, 1)
	a, panels := address(x.a, next[0].a/4+part.a0+c.row), ceil(c.behind-c.column, w)
	r.fetch(a, c.rows, x.aStep, x.pass, (n-c.column)/w, panels)
}

// fetch adds the i-th of n parts of depth rows, step elements apart.
func (r *runner) fetch(from uintptr, elements, step, depth, i, n int) {
	lines := ceil(4*elements, lineBytes)
	for l := i * lines / n; l < (i+1)*lines/n; l++ {
		f := fetching{from + uintptr(l*lineBytes), 4 * step}
		if elements == step { // one row begins where another ends
			f = fetching{from + uintptr(l*depth*lineBytes), lineBytes}
		}
		r.fetches = append(r.fetches, f)
	}
}
