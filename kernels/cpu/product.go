package cpu

import "truegrain/kernels"

// product is the one matrix product below all others, on rows of A and C that lie anywhere:
//
//	C[r][j] = act(bias[j] + res[r][j] + Σ_k A[r][k] · B[k][j]),  j < n
//
// Its rows come in bands. The rows of a band read the same k, in the same segments: all of a plain product;
// the positions of a convolution whose windows have the same elements inside the picture.
type product struct {
	n, k  int       // columns, and rows of B
	a     []float32 // its elements are aStep apart
	aStep int
	b     []float32 // in panels of the level's width: [panel][k][width] if nothing else is said
	bStep int       // elements from row to row of a panel
	panel int       // elements from panel to panel; 0 if b lies in rows, a panel beside the other
	c     []float32
	res   []float32 // laid out as c; may be c, which adds to it
	bias  []float32 // n
	act   kernels.Activation
	pass  int  // k of a pass
	fresh bool // b is not there yet: chunks pack it (fresh.go)
	// copyA and copyB say that what a pass reads of them is copied before, since it lies far apart. There is
	// one band then, whose rows are neighbours in A.
	copyA, copyB bool
	pairs        bool // an element of A and of B is two bfloat16, their product the sum of two (bfloat16.go)
	bands        []band
}

// band is some rows of a product. The segments of its pass i are those from cuts[i] to cuts[i+1].
type band struct {
	walk
	cuts                int // where its cuts begin in the plan's
	lackFirst, lackLast int // columns that its rows don't have
}

// walk is where rows lie: along three axes, the last one the fastest, offsets in elements.
type walk struct {
	count  [3]int // rows along each axis
	a, c   [3]int // from one to the next in A and in C
	a0, c0 int    // the first
}

func (w *walk) rows() int {
	return w.count[0] * w.count[1] * w.count[2]
}

// line is a walk along one axis.
func line(n, a, c int) walk {
	return walk{count: [3]int{1, 1, n}, a: [3]int{0, 0, a}, c: [3]int{0, 0, c}}
}

// locate gives the byte offsets of the rows from lo on.
func (w *walk) locate(lo int, aOff, cOff []int64) {
	i, j, k := lo/(w.count[1]*w.count[2]), lo/w.count[2]%w.count[1], lo%w.count[2]
	for r := 0; r < len(aOff); {
		a := w.a0 + i*w.a[0] + j*w.a[1] + k*w.a[2]
		c := w.c0 + i*w.c[0] + j*w.c[1] + k*w.c[2]
		for ; k < w.count[2] && r < len(aOff); k, r = k+1, r+1 {
			aOff[r], cOff[r] = 4*int64(a), 4*int64(c)
			a, c = a+w.a[2], c+w.c[2]
		}
		if k, j = 0, j+1; j == w.count[1] {
			i, j = i+1, 0
		}
	}
}

// Blocking. A pass of passDepth k keeps a panel of B (at most 384 KiB) in L2. Within it, parts of at most
// sumDepth k are added up, which bounds the rounding error of a float32 sum; normDepth k where a batch norm
// is behind: what is wrong there puts a ReLU on the other side of zero, and the gradients of all layers
// before it are those of another function.
const (
	passDepth = 1536
	sumDepth  = 192
	normDepth = 96
)

// plan is products that are computed together, their chunks by whoever is idle. It is made anew for every
// call, in memory that it keeps from one to the next.
type plan struct {
	b        *Backend
	products []product
	bands    []band
	segments []segment
	cuts     []int
	chunks   []chunk
	starts   []int     // the first band of every product
	pass     int       // of the band that is open
	part     int       // k in its sum
	ended    bool      // a part of the sum has ended
	packer   *packer   // of products whose b is fresh
	rows     []stretch // room for callers
	cols     []stretch
	channels int         // of the results, if their sums are wanted
	groups   int         // of these
	partial  []float64   // their sums by chunk
	side     int         // rows and columns of a chunk at most, 0 as the work is
	depth    int         // k in a part of a sum at most
	compute  func(i int) // p.chunk, made once
}

func (b *Backend) plan() *plan {
	p := b.plans.get()
	if p.compute == nil {
		p.compute = p.run
	}
	p.b, p.side, p.depth, p.groups = b, 0, sumDepth, 1
	p.products, p.bands, p.segments = p.products[:0], p.bands[:0], p.segments[:0]
	p.cuts, p.chunks, p.starts = p.cuts[:0], p.chunks[:0], p.starts[:0]
	return p
}

// product adds one, to which bands are to be added.
func (p *plan) product(x product) {
	p.end()
	if x.bStep == 0 {
		x.bStep, x.panel = p.b.level.width, x.k*p.b.level.width
	}
	if x.pass == 0 {
		passes := max(1, (x.k+passDepth-1)/passDepth)
		x.pass = max(1, roundUp((x.k+passes-1)/passes, 16))
	}
	p.products, p.starts = append(p.products, x), append(p.starts, len(p.bands))
}

// panelAt is where the panel begins whose first column is n.
func (x *product) panelAt(n, width int) int {
	if x.panel == 0 {
		return n
	}
	return n / width * x.panel
}

func (x *product) passes() int { return max(1, (x.k+x.pass-1)/x.pass) }

// band adds rows to the last product, to which segments are to be added in the order of their k.
func (p *plan) band(w walk) {
	p.end()
	p.bands = append(p.bands, band{walk: w, cuts: len(p.cuts)})
	p.cuts = append(p.cuts, len(p.segments))
	p.pass, p.part, p.ended = 0, 0, false
}

// end ends the open band, if there is one: it has as many passes as the product.
func (p *plan) end() {
	if n := len(p.starts); n > 0 && len(p.bands) > p.starts[n-1] {
		for x := &p.products[n-1]; p.pass < x.passes(); {
			p.endPass()
		}
	}
}

// segmentsOf is what a band sums in pass k.
func (p *plan) segmentsOf(b *band, k int) []segment {
	return p.segments[p.cuts[b.cuts+k]:p.cuts[b.cuts+k+1]]
}

func (p *plan) endPass() {
	if p.ended {
		p.segments[len(p.segments)-1].sum = sumLast
	}
	p.cuts = append(p.cuts, len(p.segments))
	p.pass, p.part, p.ended = p.pass+1, 0, false
}

// add adds depth k to the last band, from row k of the product on: elements a and b from the start of a row
// of A and from the panel of B.
func (p *plan) add(a, b, k, depth int) {
	x := &p.products[len(p.products)-1]
	for depth > 0 {
		for p.pass < k/x.pass {
			p.endPass()
		}
		n := min(depth, (p.pass+1)*x.pass-k)
		if n > p.depth {
			parts := ceil(n, p.depth)
			n = min(n, roundUp((n+parts-1)/parts, 4))
		}
		if p.part > 0 && p.part+n > p.depth {
			p.endPart()
		}
		p.segments = append(p.segments, segment{a: 4 * a, b: 4 * b, depth: n})
		p.part += n
		a, b, k, depth = a+n*x.aStep, b+n*x.bStep, k+n, depth-n
	}
}

func (p *plan) endPart() {
	s := &p.segments[len(p.segments)-1]
	if s.sum = sumNext; !p.ended {
		s.sum = sumFirst
	}
	p.part, p.ended = 0, true
}

func roundUp(n, to int) int { return ceil(n, to) * to }

func ceil(n, by int) int { return (n + by - 1) / by }
