package cpu

// Where all rows of a product fit in one chunk, every panel of its B is read by that chunk alone, which packs
// it when it gets there, pass by pass, into memory that stays in L2: weights that are packed for one use are
// then read from memory once, and not written and read again.

// Products of at most freshRows rows and at least freshPanels panels are computed so, in passes of freshPass.
const (
	freshRows   = 448
	freshPanels = 8
	freshPass   = 512
)

// fresh says that a product of m rows and n columns has its B packed by its chunks.
func (b *Backend) fresh(m, n int) bool {
	return b.choices.fresh.or(m <= freshRows && n >= freshPanels*b.level.width)
}

// packPanel packs what pass k reads of the panel at column n.
func (r *runner) packPanel(p *plan, x *product, product, n, k int) {
	w := p.b.level.width
	r.copies.b = grow(r.copies.b, x.pass*w+wholeColumns)
	from := k * x.pass
	for i := range p.packer.parts {
		part := &p.packer.parts[i]
		lo, hi := max(0, from-part.k0), min(part.k, from+x.pass-part.k0)
		if part.product == product && lo < hi {
			part.into(p.b.level, r.copies.b[(part.k0+lo-from)*w:], n, lo, hi)
		}
	}
}

// fetchFresh lists what is packed next, if it is rows of one matrix: in the next pass, or for the chunk that
// comes next if two cores take turns.
func (r *runner) fetchFresh(p *plan, x *product, i, n, k int) {
	r.fetches, r.fetched = r.fetches[:0], 0
	if k++; k == x.passes() {
		c := &p.chunks[min(i+2, len(p.chunks)-1)]
		x, n, k, i = &p.products[c.product], c.column, 0, min(i+2, len(p.chunks)-1)
	}
	for j := range p.packer.parts {
		part, from := &p.packer.parts[j], k*x.pass
		if part.product == p.chunks[i].product && !part.columns &&
			part.k0 <= from && from+x.pass <= part.k0+part.k {
			at, cols := address(part.src, (from-part.k0)*part.ld+n), min(p.b.level.width, x.n-n)
			r.fetch(at, cols, part.ld, x.pass, 0, 1)
		}
	}
}
