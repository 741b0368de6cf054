package cpu

import (
	"runtime"
	"unsafe"
)

// small is a product of matrices that lie in the caches already, computed on the goroutine that asks for it:
//
//	C[i][j] = Σ_k A[i][k]·B[k][j] (+ C[i][j]),  i < m, j < n, k < depth
//
// A may lie either way round. B is rows of panels.
type small struct {
	m, n, depth int
	a           []float32
	aRow, aStep int // elements of A from row to row and from k to k
	b           panels
	first       int // row of B where k is 0
	c           []float32
	cRow        int // elements from row to row
	acc         bool
}

// panels is a packed matrix: [columns/width][rows][width], the last panel as narrow as vectors allow. What
// stands behind the last column is arbitrary: no kernel mixes columns.
type panels struct {
	x    []float32
	rows int
}

// columnStep is a whole number of vectors at every level; the widths of panels are multiples of it.
const columnStep = 16

// panelWidth is that of the panel that starts at column from of n.
func (l *level) panelWidth(n, from int) int { return min(l.width, roundUp(n-from, columnStep)) }

// panelsLen is the elements of rows × n in panels.
func panelsLen(rows, n int) int { return rows * roundUp(n, columnStep) }

// A part of a sum is at most smallDepth long; a call of a kernel does smallCall k times tiles, in some 70 µs.
const (
	smallDepth = 256
	smallCall  = 24 << 10
)

// smallRunner is what one goroutine needs for small products. It keeps its memory.
type smallRunner struct {
	args     tileArgs
	segments []segment
	ramps    []ramp
	sums     [tileRows * maxWidth]float32
}

// ramp is the byte offsets of rows that are step elements apart.
type ramp struct {
	step int
	at   []int64
}

// ramp gives those of at least n rows.
func (r *smallRunner) ramp(step, n int) []int64 {
	i := 0
	for i < len(r.ramps) && r.ramps[i].step != step {
		i++
	}
	if i == maxRamps {
		r.ramps, i = r.ramps[:0], 0
	}
	if i == len(r.ramps) {
		r.ramps = append(r.ramps, ramp{step: step})
	}
	t := &r.ramps[i]
	for k := len(t.at); k < n; k++ {
		t.at = append(t.at, 4*int64(k)*int64(step))
	}
	return t.at
}

// maxRamps is more than one model needs.
const maxRamps = 32

// run computes a product.
func (r *smallRunner) run(l *level, p *small) {
	aOff, cOff := r.ramp(p.aRow, p.m), r.ramp(p.cRow, p.m)
	for n := 0; n < p.n; n += l.width {
		w := l.panelWidth(p.n, n)
		r.cut(p, w)
		r.args = tileArgs{
			a: address(p.a, 0), aStep: 4 * p.aStep,
			b: address(p.b.x, n*p.b.rows+p.first*w), bStep: 4 * w,
			segments: uintptr(unsafe.Pointer(unsafe.SliceData(r.segments))), count: len(r.segments),
			sums: uintptr(unsafe.Pointer(&r.sums)),
			c:    address(p.c, n), cols: min(l.width, p.n-n),
		}
		if p.acc {
			r.args.flags = flagRes
		}
		r.panel(tile(l.tiles, r.args.cols), p, aOff, cOff)
	}
	runtime.KeepAlive(p)
}

// cut makes the segments of a product whose rows of B are w wide.
func (r *smallRunner) cut(p *small, w int) {
	parts := (p.depth + smallDepth - 1) / smallDepth
	r.segments = r.segments[:0]
	for i := range parts {
		k, end := i*p.depth/parts, (i+1)*p.depth/parts
		s := segment{a: 4 * k * p.aStep, b: 4 * k * w, depth: end - k, sum: sumNext}
		switch {
		case parts == 1:
			s.sum = sumOn
		case i == 0:
			s.sum = sumFirst
		case i == parts-1:
			s.sum = sumLast
		}
		r.segments = append(r.segments, s)
	}
}

// panel runs the kernels down the rows of one panel.
func (r *smallRunner) panel(tiles *[tileRows]tileKernel, p *small, aOff, cOff []int64) {
	step := max(1, smallCall/p.depth)
	for i := 0; i < p.m; {
		rows := min(tileRows, p.m-i)
		r.args.aOff = uintptr(unsafe.Pointer(&aOff[i]))
		r.args.cOff = uintptr(unsafe.Pointer(&cOff[i]))
		r.args.tiles = max(1, min(step, (p.m-i)/tileRows))
		i += rows * r.args.tiles
		tiles[rows-1](&r.args)
	}
}
