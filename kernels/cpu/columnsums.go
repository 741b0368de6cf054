package cpu

import (
	"unsafe"

	"truegrain/kernels"
)

// sumKernel adds rows of columns of some operands, from element at on, to two rows of sums.
type sumKernel func(first, second []float64, at, rows, cols, stride int)

// Sums are made of parts of the rows, of partWork elements and partRows rows at least, since parts have to be
// added, too; one call of a kernel passes some callWork elements.
const (
	partChunks = 32
	partWork   = 1 << 15
	partRows   = 32
	callWork   = 1 << 14
	partGap    = 512 // float64 between parts: a page, or one core would fetch ahead what another one writes
	sumBlock   = 512 // columns whose sums stay in the first cache beside three operands
)

// columnSums adds up the rows of x (r,c) in float64: sums[j] is Σ x, and squares[j], where wanted, Σ x².
func (b *Backend) columnSums(x []float32, r, c int, sums, squares []float64) {
	both := b.scratch64(2 * c)
	defer b.scratch.put(both.held)
	b.sumRows(r, c, c, both.x, func(first, second []float64, at, rows, cols, stride int) {
		b.level.stream.columnSums(&first[0], &second[0], &x[at], rows, cols, 4*stride)
	})
	copy(sums, both.x[:c])
	copy(squares, both.x[c:])
}

// gradientSums adds up the rows of dz and of dz·x, dz being what the gates let through of dy.
func (b *Backend) gradientSums(g *normBack) {
	b.sumRows(g.R, g.C, sumBlock, g.sums, b.gradientKernel(g))
}

// gradientKernel asks for rows in time, or for what comes next in long ones.
func (b *Backend) gradientKernel(g *normBack) sumKernel {
	y := g.y
	if y == nil {
		y = g.dy // never read, but there is an address
	}
	return func(first, second []float64, at, rows, cols, stride int) {
		ahead := aheadBytes
		if cols < stride {
			ahead = 4 * stride * ceil(aheadBytes, 4*cols)
		}
		b.level.stream.gradientSums(&first[0], &second[0], &g.dy[at], &y[at], &g.x[at], rows, cols,
			4*stride, ahead, g.gates)
	}
}

// aheadBytes is how far ahead the sums of gradients ask for each operand.
const aheadBytes = 2048

// sumRows adds up two rows of c sums over r rows, first those of the first kind, then of the second: partial
// sums, added in their order. A call of the kernel takes so many columns.
func (b *Backend) sumRows(r, c, block int, sums []float64, add sumKernel) {
	clear(sums)
	if r == 0 || c == 0 {
		return
	}
	p := partsOf(r, c)
	apart := 2*c + partGap
	partial := b.scratch64(p.parts * apart)
	defer b.scratch.put(partial.held)
	b.chunks(p.parts, func(i int) {
		part := partial.x[i*apart:][:2*c]
		clear(part)
		if p.width == c {
			p.sum(i, block, part[:c], part[c:], add)
			return
		}
		wide := b.scratch64(2 * p.width)
		defer b.scratch.put(wide.held)
		clear(wide.x)
		p.sum(i, p.width, wide.x[:p.width], wide.x[p.width:], add)
		for at := 0; at < p.width; at += c { // rows that were taken together
			addInto(part[:c], wide.x[at:])
			addInto(part[c:], wide.x[p.width+at:])
		}
	})
	b.parallel(2*c, partWork/p.parts, func(lo, hi int) {
		addParts(sums[lo:hi], partial.x[lo:], apart, p.parts)
	})
}

func addInto(sums, part []float64) {
	part = part[:len(sums)]
	for j := range sums {
		sums[j] += part[j]
	}
}

// addParts adds n parts, so far apart, in their order: four in one pass over the sums.
func addParts(sums, parts []float64, apart, n int) {
	part := func(i int) []float64 { return parts[i*apart:][:len(sums)] }
	i := 0
	for ; i+4 <= n; i += 4 {
		p, q, r, s := part(i), part(i+1), part(i+2), part(i+3)
		for j, v := range sums {
			sums[j] = v + p[j] + q[j] + r[j] + s[j]
		}
	}
	for ; i < n; i++ {
		addInto(sums, part(i))
	}
}

// rowParts is how a matrix of n elements is cut: in rows of width elements, and these in parts.
type rowParts struct{ n, width, rows, parts int }

func partsOf(r, c int) rowParts {
	p := rowParts{n: r * c, width: taken(c, 1)}
	rows := (p.n + p.width - 1) / p.width
	p.parts = max(1, min(partChunks, rows/partRows, p.n/partWork))
	p.rows = (rows + p.parts - 1) / p.parts
	p.parts = (rows + p.rows - 1) / p.rows
	return p
}

// sum adds the rows of one part to two rows of sums.
func (p rowParts) sum(part, block int, first, second []float64, add sumKernel) {
	step := max(1, callWork/min(block, p.width))
	whole := p.n / p.width
	end := min(whole, (part+1)*p.rows)
	for row := part * p.rows; row < end; row += step {
		for at := 0; at < p.width; at += block {
			n := min(block, p.width-at)
			add(first[at:], second[at:], row*p.width+at, min(step, end-row), n, p.width)
		}
	}
	if rest := p.n % p.width; rest > 0 && part == p.parts-1 { // of rows taken together, some are missing
		add(first, second, whole*p.width, 1, rest, p.width)
	}
}

// columnSumsGo adds the sums of x and of x² over rows, stride bytes apart.
func columnSumsGo(sum, square *float64, x *float32, rows, cols, stride int) {
	s, q := unsafe.Slice(sum, cols), unsafe.Slice(square, cols)
	for r := range rows {
		for j, v := range rowAt(x, r*stride, cols) {
			s[j] += float64(v)
			q[j] += float64(v) * float64(v)
		}
	}
}

// gradientSumsGo adds the sums of dz, which is dy behind the gates, and of dz·x.
func gradientSumsGo(sum, product *float64, dy, y, x *float32, rows, cols, stride, _, flags int) {
	s, q := unsafe.Slice(sum, cols), unsafe.Slice(product, cols)
	for r := range rows {
		g, out, in := rowAt(dy, r*stride, cols), rowAt(y, r*stride, cols), rowAt(x, r*stride, cols)
		for j, v := range g {
			v = gated(v, out[j], flags)
			s[j] += float64(v)
			q[j] += float64(v) * float64(in[j])
		}
	}
}

// rowAt is n elements that lie some bytes behind an address.
func rowAt[T any](x *T, bytes, n int) []T {
	return unsafe.Slice((*T)(unsafe.Add(unsafe.Pointer(x), bytes)), n)
}

// doubles is scratch memory taken as float64.
type doubles struct {
	x    []float64
	held []float32
}

// scratch64 is n float64 of arbitrary content; what is held goes back to the scratch memory.
func (b *Backend) scratch64(n int) doubles {
	held := b.scratch.get(2 * n)
	return doubles{unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(held))), n), held}
}

// giveSums writes sums to a gradient, or adds them.
func giveSums(g kernels.Grad, sums []float64) {
	if !g.Wanted() {
		return
	}
	for j, d := range floats(g.Buf) {
		if !g.Acc {
			d = 0
		}
		floats(g.Buf)[j] = d + float32(sums[j])
	}
}
