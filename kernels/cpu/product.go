package cpu

import (
	"runtime"
	"unsafe"

	"truegrain/kernels"
)

// product is the one matrix product below all others, on rows of A and C that lie anywhere:
//
//	C[r][j] = act(bias[j] + res[r][j] + Σ_t Σ_k A[r,t][k] · B[t][k][j]),  r < m, j < n, t < taps, k < depth
//
// A plain product has one tap; a convolution has one for every element of its window.
type product struct {
	m, n, taps, depth int
	// place gives the byte offsets of the rows lo..hi-1 (at most tileRows): of tap t of row r in a, at
	// aOff[t·(hi−lo)+r−lo], or -1 for a row of zeros; of its result in c, at cOff[r−lo].
	place func(lo, hi int, aOff, cOff []int64)
	a     []float32 // rows of elements aStep apart
	aStep int
	b     []float32 // packed: [panel][tap][depth][width]; or a single panel, if bStep is not 0:
	bStep int       // elements from row to row of b,
	bTap  int       // and more from tap to tap
	c     []float32
	res   []float32 // laid out as c; may be c, which adds to it
	bias  []float32 // n
	act   kernels.Activation
}

// Blocking. A pass over k of passDepth bounds the length of a float32 sum, and so its rounding error, and
// keeps a panel of B (48 KiB) in L2 with blockFloats of A beside it; one call of a kernel then takes under
// 100 µs, which bounds the pauses of the garbage collector. A chunk aims at chunkMACs multiply-adds, some 100
// µs, and at most groupCols columns.
const (
	passDepth   = 192
	blockFloats = 96 << 10
	chunkMACs   = 12 << 20
	groupCols   = 256
	minRows     = 16 * tileRows
	maxRows     = 80 * tileRows
	fewChunks   = 8
)

// grid is how a product is cut: into blocks of rows times groups of panels.
type grid struct{ rows, panels, blocks, groups int }

func (p *product) grid(width int) grid {
	panels := (p.n + width - 1) / width
	g := grid{panels: min(panels, groupCols/width)}
	macs := max(1, p.taps*p.depth) * min(p.n, g.panels*width) // in a row of a chunk
	g.rows = min(max(chunkMACs/macs, minRows), maxRows, blockFloats/min(max(p.depth, 1), passDepth))
	g.blocks = (p.m + g.rows - 1) / g.rows
	g.rows = roundUp((p.m+g.blocks-1)/g.blocks, tileRows)
	g.blocks = (p.m + g.rows - 1) / g.rows
	if g.groups = (panels + g.panels - 1) / g.panels; g.blocks*g.groups < fewChunks {
		g.panels, g.groups = 1, panels
	}
	return g
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// run computes the product.
func (b *Backend) run(p *product) {
	if p.m == 0 || p.n == 0 {
		return
	}
	w := b.level.width
	g := p.grid(w)
	passes := p.passes()
	b.chunks(g.blocks*g.groups, func(i int) {
		m0, n0 := i%g.blocks*g.rows, i/g.blocks*g.panels*w
		m1, n1 := min(p.m, m0+g.rows), min(p.n, n0+g.panels*w)
		r := b.runners.get()
		r.locate(p, m0, m1)
		for n := n0; n < n1; n += w {
			for k, pass := range passes {
				r.pass(b.level, p, pass, n, k == 0, k == len(passes)-1)
			}
		}
		if p.act == kernels.WithGELU {
			r.gelu(p, n0, n1)
		}
		b.runners.put(r)
	})
	runtime.KeepAlive(p)
}

// pass is a range of taps and, if it is one tap, of k.
type pass struct{ tap, taps, k, depth int }

// passes cuts taps × depth into runs of about passDepth, none of which splits a tap and starts another.
func (p *product) passes() (out []pass) {
	if p.depth > passDepth {
		parts := (p.depth + passDepth - 1) / passDepth
		step := roundUp((p.depth+parts-1)/parts, 16)
		for t := range p.taps {
			for k := 0; k < p.depth; k += step {
				out = append(out, pass{t, 1, k, min(step, p.depth-k)})
			}
		}
		return out
	}
	parts := max(1, (p.taps*p.depth+passDepth-1)/passDepth)
	step := max(1, (p.taps+parts-1)/parts)
	for t := 0; t < p.taps; t += step {
		out = append(out, pass{t, min(step, p.taps-t), 0, p.depth})
	}
	if len(out) == 0 { // no taps: the epilogue alone
		out = append(out, pass{})
	}
	return out
}

// runner is what one goroutine needs to run chunks; it is kept from one to the next.
type runner struct {
	args       tileArgs
	aOff, cOff []int64
	rows       int
}

// locate fills the tables of offsets for the rows m0..m1-1.
func (r *runner) locate(p *product, m0, m1 int) {
	r.rows = m1 - m0
	r.aOff = grow(r.aOff, r.rows*p.taps)
	r.cOff = grow(r.cOff, r.rows)
	for i := 0; i < r.rows; i += tileRows {
		h := min(tileRows, r.rows-i)
		p.place(m0+i, m0+i+h, r.aOff[i*p.taps:][:h*p.taps], r.cOff[i:][:h])
	}
}

func grow(x []int64, n int) []int64 {
	if cap(x) < n {
		return make([]int64, n)
	}
	return x[:n]
}

// pass computes the part of a pass in the panel at column n, for the rows located.
func (r *runner) pass(l *level, p *product, k pass, n int, first, last bool) {
	a := address(p.a, k.k*p.aStep)
	r.args = tileArgs{
		a: a, zero: address(zeros[:], 0) - a, aStep: 4 * p.aStep, aTile: 8 * p.taps * tileRows,
		b:     address(p.b, (n*p.taps+l.width*k.tap)*p.depth+l.width*k.k),
		bStep: 4 * l.width, depth: k.depth, taps: k.taps,
		c: address(p.c, n), cols: min(l.width, p.n-n),
	}
	if p.bStep != 0 {
		r.args.bStep, r.args.bTap = 4*p.bStep, 4*p.bTap
	}
	switch {
	case !first:
		r.args.flags |= flagRes
	case p.res != nil:
		r.args.flags |= flagRes
		r.args.res = address(p.res, 0) - address(p.c, 0)
	}
	if first && p.bias != nil {
		r.args.flags |= flagBias
		r.args.bias = address(p.bias, n)
	}
	if last && p.act == kernels.WithReLU {
		r.args.flags |= flagReLU
	}
	tiles := l.tile(r.args.cols)
	full := r.rows / tileRows
	if full > 0 {
		r.tiles(tiles[tileRows-1], 0, full, k.tap*tileRows)
	}
	if rest := r.rows % tileRows; rest > 0 {
		r.tiles(tiles[rest-1], full*tileRows, 1, k.tap*rest)
	}
}

// tiles calls a kernel for the tiles from row on, whose tables start skip entries into the tile's.
func (r *runner) tiles(kernel tileKernel, row, n, skip int) {
	taps := len(r.aOff) / r.rows
	r.args.aOff = uintptr(unsafe.Pointer(unsafe.SliceData(r.aOff))) + 8*uintptr(row*taps+skip)
	r.args.cOff = uintptr(unsafe.Pointer(&r.cOff[row]))
	r.args.tiles = n
	kernel(&r.args)
}

// gelu applies GELU to the columns n0..n1-1 of the rows located.
func (r *runner) gelu(p *product, n0, n1 int) {
	for _, c := range r.cOff {
		row := p.c[int(c)/4+n0 : int(c)/4+n1]
		for j, v := range row {
			row[j] = geluOf(v)
		}
	}
}

// zeros is the row of zeros that padding reads, as long as the deepest pass.
var zeros [passDepth + 16]float32
