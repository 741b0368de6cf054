package cpu

import (
	"math"
	"runtime"
	"unsafe"

	"truegrain/kernels"
)

// chunk is some rows of a product times some columns, from one panel's first to another's.
type chunk struct {
	product        int
	row, rows      int
	column, behind int
}

// Chunks. One takes some 100 µs at most, and so does a call of a kernel, which bounds the pauses of the
// garbage collector; small plans are cut in manyChunks, so that cores end at the same time. A panel of B that
// does not stay in L2 serves at least fewRows.
const (
	chunkMACs  = 12 << 20
	smallMACs  = 512 << 10
	manyChunks = 32
	fewRows    = 8 * tileRows
)

// execute computes the products and ends the plan. It puts into sums, unless that is nil, what the columns of
// all products and their squares add up to; the products are of groups of channels, from the first to the
// last.
func (p *plan) execute(sums []float64) {
	p.end()
	b := p.b
	total := 0
	for i := range p.products {
		x := &p.products[i]
		last := len(p.bands)
		if i+1 < len(p.products) {
			last = p.starts[i+1]
		}
		x.bands = p.bands[p.starts[i]:last]
		total += x.rows() * x.n * x.k
	}
	target := grain(total)
	for i := range p.products {
		p.cut(i, target)
	}
	if sums == nil {
		b.chunks(len(p.chunks), p.compute)
	} else {
		p.channels = len(sums) / 2
		p.partial = grow(p.partial, 2*maxColumns(p.chunks)*len(p.chunks))
		b.chunks(len(p.chunks), p.compute)
		p.addUp(sums)
		p.channels = 0
	}
	if p.packer != nil {
		p.packer.end()
		p.packer = nil
	}
	clear(p.products)
	b.plans.put(p)
}

// grain is the multiply-adds of a chunk of a plan with that many.
func grain(all int) int { return min(max(all/manyChunks, smallMACs), chunkMACs) }

func (x *product) rows() (n int) {
	for i := range x.bands {
		n += x.bands[i].rows()
	}
	return n
}

// cut cuts a product into chunks of about target multiply-adds, as square as possible: what a chunk reads is
// then least.
func (p *plan) cut(i, target int) {
	x, w := &p.products[i], p.b.level.width
	m, k, panels := x.rows(), max(1, x.k), (x.n+w-1)/w
	if m == 0 || panels == 0 {
		return
	}
	side, rows := max(p.side, w), p.side
	if p.side == 0 {
		side = max(int(math.Sqrt(float64(target/k))), target/(k*m), w)
	}
	panels = ceil(panels, ceil(panels, side/w))
	if x.fresh {
		panels, rows = 1, m
	}
	if p.side == 0 && !x.fresh {
		if rows = max(target/(k*min(x.n, panels*w)), 2*tileRows); k > passDepth/2 {
			rows = max(rows, fewRows)
		}
	}
	blocks := (m + rows - 1) / rows
	rows = roundUp((m+blocks-1)/blocks, tileRows)
	for n := 0; n < x.n; n += panels * w {
		for row := 0; row < m; row += rows {
			p.chunks = append(p.chunks, chunk{i, row, min(rows, m-row), n, min(x.n, n+panels*w)})
		}
	}
}

// runner is what one goroutine needs to run chunks; it is kept from one to the next.
type runner struct {
	args       tileArgs
	aOff, cOff []int64
	pieces     []piece
	copies     copies
	next       uintptr    // what is read of packed B after the panel at hand
	fetches    []fetching // what the next pass reads in place
	fetched    int        // of these
	sums       [tileRows * maxWidth]float32
}

// maxWidth is the width of the widest panel of any level.
const maxWidth = 64

// piece is the rows of a band in a chunk: from row on in the runner's tables.
type piece struct {
	*band
	row, rows int
}

// run runs a chunk.
func (p *plan) run(i int) {
	c := &p.chunks[i]
	x := &p.products[c.product]
	r := p.b.runners.get()
	r.locate(x, c)
	r.fetches, r.fetched = r.fetches[:0], 0
	for k := range x.passes() {
		if p.b.cancelled() {
			break
		}
		if x.copyA {
			r.copyA(p, x, c, k)
		}
		for n := c.column; n < c.behind; n += p.b.level.width {
			if x.copyB {
				r.copyB(p, x, n, k)
			}
			switch {
			case x.fresh:
				r.packPanel(p, x, c.product, n, k)
				r.fetchFresh(p, x, i, n, k)
			case x.panel > 0:
				r.next = p.following(i, n, k)
			default:
				r.fetchNext(p, x, c, n, k)
			}
			for _, part := range r.pieces {
				r.pass(p, x, part, n, k)
			}
		}
	}
	if x.act == kernels.WithGELU {
		r.gelu(p.b.level, x, c)
	}
	if p.channels > 0 {
		r.sum(p, x, c, p.partialOf(i))
	}
	p.b.runners.put(r)
}

// locate finds the pieces of a chunk and fills the tables of their rows.
func (r *runner) locate(x *product, c *chunk) {
	r.aOff, r.cOff = grow(r.aOff, c.rows), grow(r.cOff, c.rows)
	r.pieces = r.pieces[:0]
	done, first := 0, 0 // rows in the tables, the first row of the band
	for i := range x.bands {
		b := &x.bands[i]
		lo, hi := max(c.row, first), min(c.row+c.rows, first+b.rows())
		if n := hi - lo; n > 0 {
			b.locate(lo-first, r.aOff[done:][:n], r.cOff[done:][:n])
			r.pieces = append(r.pieces, piece{b, done, n})
			done += n
		}
		first += b.rows()
	}
}

func grow[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n)
	}
	return x[:n]
}

// pass computes the part of pass k in the panel at column n, for the rows of a piece.
func (r *runner) pass(p *plan, x *product, part piece, n, k int) {
	first, last := k == 0, k == x.passes()-1
	segments := p.segmentsOf(part.band, k)
	l := p.b.level
	panel := n
	n = max(n, part.lackFirst)
	cols := min(panel+l.width, x.n-part.lackLast) - n
	if len(segments) == 0 && !first && !last || cols <= 0 {
		return
	}
	r.args = tileArgs{
		a: address(x.a, 0), aStep: 4 * x.aStep,
		b: address(x.b, x.panelAt(panel, l.width)+n-panel), bStep: 4 * x.bStep,
		segments: uintptr(unsafe.Pointer(unsafe.SliceData(segments))), count: len(segments),
		sums: uintptr(unsafe.Pointer(&r.sums)), c: address(x.c, n), cols: cols,
	}
	if x.fresh {
		r.args.b = address(r.copies.b, n-panel) - uintptr(4*k*x.pass*l.width)
	}
	r.around(x, n, first, last)
	if x.copyA || x.copyB {
		r.useCopies(p.b.level, x, segments)
	}
	if r.args.next = r.args.b; x.panel > 0 && !x.fresh {
		r.args.fetch(r.next, len(r.aOff))
	}
	if part.rows >= 2*tileRows {
		r.args.ahead = int(r.aOff[part.row+tileRows] - r.aOff[part.row])
	}
	r.rows(tile(x.tiles(l), r.args.cols), part)
	runtime.KeepAlive(x)
}

// around says what a pass adds its sums to, and what the last one makes of them.
func (r *runner) around(x *product, n int, first, last bool) {
	switch {
	case !first:
		r.args.flags |= flagRes
	case x.res != nil:
		r.args.flags |= flagRes
		r.args.res = address(x.res, 0) - address(x.c, 0)
	}
	if first && x.bias != nil {
		r.args.flags |= flagBias
		r.args.bias = address(x.bias, n)
	}
	if last && x.act == kernels.WithReLU {
		r.args.flags |= flagReLU
	}
}

// rows calls the kernels for the rows of a piece: one tile a call while there is something to fetch for the
// next pass, then all the full tiles, then what is left.
func (r *runner) rows(tiles *[tileRows]tileKernel, part piece) {
	full, done := part.rows/tileRows, 0
	for ; done < full && r.fetched < len(r.fetches); done++ {
		f := &r.fetches[r.fetched]
		r.args.next, r.args.nextStep, r.fetched = f.from, f.step, r.fetched+1
		r.tiles(tiles[tileRows-1], part.row+done*tileRows, 1)
	}
	if done > 0 {
		r.args.nextStep = 0
	}
	if full > done {
		r.tiles(tiles[tileRows-1], part.row+done*tileRows, full-done)
	}
	if rest := part.rows % tileRows; rest > 0 {
		r.tiles(tiles[rest-1], part.row+full*tileRows, 1)
	}
}

// tiles is the kernels for the product's elements.
func (x *product) tiles(l *level) []tileSet {
	if x.pairs {
		return l.pairTiles
	}
	return l.tiles
}

// tiles calls a kernel for n tiles from a row of the tables on.
func (r *runner) tiles(kernel tileKernel, row, n int) {
	r.args.aOff = uintptr(unsafe.Pointer(&r.aOff[row]))
	r.args.cOff = uintptr(unsafe.Pointer(&r.cOff[row]))
	r.args.tiles = n
	kernel(&r.args)
}

// gelu applies GELU to the chunk.
func (r *runner) gelu(l *level, x *product, c *chunk) {
	for _, part := range r.pieces {
		from, to := max(c.column, part.lackFirst), min(c.behind, x.n-part.lackLast)
		for _, off := range r.cOff[part.row:][:part.rows] {
			if n := to - from; n > 0 {
				at := &x.c[int(off)/4+from]
				l.vmath.gelu(at, at, n, 0)
			}
		}
	}
}
