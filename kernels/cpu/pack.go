package cpu

// A packed operand is cut in panels of the level's width and padded with zeros: [panel][depth][width]. Panels
// are what a kernel streams from L2, one row for every k.

// packedLen is the number of elements of a packed operand of depth × n.
func (b *Backend) packedLen(depth, n int) int { return depth * roundUp(n, b.level.width) }

// packGrain is the number of rows of a panel that one chunk packs.
const packGrain = 512

// packer packs matrices: in one set of chunks; or panel by panel, by the chunks of a product that need them,
// if these are the only ones that do (fresh.go).
type packer struct {
	b       *Backend
	parts   []packing
	product int // of those that are added
	chunks  []packChunk
	pack    func(i int) // p.chunk, made once
}

// packing is one matrix (k,n), transposed where columns is set, and where it goes: into the rows from k0 of
// panels of a depth, times alpha. It is a part of B of that product of a plan.
type packing struct {
	product   int
	dst       []float32
	depth, k0 int
	src       []float32
	ld, k, n  int
	columns   bool
	alpha     float32
}

// packChunk is some rows of a panel: columns n0 ..., rows lo..hi-1.
type packChunk struct{ part, n0, lo, hi int }

func (b *Backend) packer() *packer {
	p := b.packers.get()
	if p.pack == nil {
		p.pack = p.chunk
	}
	p.b, p.product, p.parts, p.chunks = b, 0, p.parts[:0], p.chunks[:0]
	return p
}

// rows adds k rows of n elements, ld apart, that go into the rows from k0 on.
func (p *packer) rows(dst []float32, depth, k0 int, src []float32, ld, k, n int) {
	p.add(packing{dst: dst, depth: depth, k0: k0, src: src, ld: ld, k: k, n: n, alpha: 1})
}

// columns adds the transpose of n rows of k elements, ld apart.
func (p *packer) columns(dst, src []float32, ld, k, n int) {
	p.add(packing{dst: dst, depth: k, src: src, ld: ld, k: k, n: n, columns: true, alpha: 1})
}

func (p *packer) add(x packing) {
	for n := 0; n < x.n; n += p.b.level.width {
		for k := 0; k < x.k; k += packGrain {
			p.chunks = append(p.chunks, packChunk{len(p.parts), n, k, min(x.k, k+packGrain)})
		}
	}
	x.product = p.product
	p.parts = append(p.parts, x)
}

// execute packs, and ends the packer.
func (p *packer) execute() {
	p.b.chunks(len(p.chunks), p.pack)
	p.end()
}

func (p *packer) end() {
	clear(p.parts)
	p.b.packers.put(p)
}

func (p *packer) chunk(i int) {
	c := p.chunks[i]
	x, l := &p.parts[c.part], p.b.level
	x.into(l, x.dst[c.n0*x.depth+(x.k0+c.lo)*l.width:], c.n0, c.lo, c.hi)
}

// into packs rows lo..hi-1 of the panel at column n.
func (x *packing) into(l *level, panel []float32, n, lo, hi int) {
	cols := min(l.width, x.n-n)
	panel = panel[:(hi-lo)*l.width]
	switch {
	case x.columns:
		l.transposeInto(panel, x.src[n*x.ld+lo:], x.ld, hi-lo, cols)
	case cols == l.width && hi > lo:
		l.gather(&panel[0], &x.src[lo*x.ld+n], hi-lo, cols, 4*l.width, 4*x.ld)
	default:
		for i := range hi - lo {
			row := panel[i*l.width:][:l.width]
			copy(row, x.src[(lo+i)*x.ld+n:][:cols])
			clear(row[cols:])
		}
	}
	if x.alpha != 1 {
		for i := range panel {
			panel[i] *= x.alpha
		}
	}
}

// packColumns is columns alone.
func (b *Backend) packColumns(dst, src []float32, ld, k, n int) {
	p := b.packer()
	p.columns(dst, src, ld, k, n)
	p.execute()
}

// transposeInto writes k rows of a panel from cols rows of k elements, ld apart: whole blocks by the kernel,
// the edges here.
func (l *level) transposeInto(panel, src []float32, ld, k, cols int) {
	w, k4 := l.width, k&^3
	whole := cols / l.lanes * l.lanes
	for r := 0; r < whole && k4 > 0; r += l.lanes {
		l.transpose(&panel[r], &src[r*ld], 4*w, 4*ld, k4/4)
	}
	for r := range cols {
		from := 0
		if r < whole {
			from = k4
		}
		for i := from; i < k; i++ {
			panel[i*w+r] = src[r*ld+i]
		}
	}
	for i := range k {
		clear(panel[i*w+cols : (i+1)*w])
	}
}
