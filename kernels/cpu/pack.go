package cpu

// A packed operand is cut in panels of the level's width and padded with zeros: [panel][depth][width]. Panels
// are what a kernel streams from L2, one row for every k.

// packedLen is the number of elements of a packed operand of depth × n.
func (b *Backend) packedLen(depth, n int) int { return depth * roundUp(n, b.level.width) }

// packGrain is the number of rows of a panel that one chunk packs.
const packGrain = 512

// packRows packs k rows of n elements, ld apart, into the rows from k0 of panels of the given depth.
func (b *Backend) packRows(dst []float32, depth, k0 int, src []float32, ld, k, n int) {
	w := b.level.width
	b.packChunks(k, n, func(n0, cols, lo, hi int) {
		out := dst[n0*depth+(k0+lo)*w:]
		for i := lo; i < hi; i++ {
			row := out[(i-lo)*w:][:w]
			copy(row, src[i*ld+n0:][:cols])
			clear(row[cols:])
		}
	})
}

// packColumns packs the transpose of n rows of k elements, ld apart, into panels of depth k.
func (b *Backend) packColumns(dst []float32, src []float32, ld, k, n int) {
	w := b.level.width
	b.packChunks(k, n, func(n0, cols, lo, hi int) {
		b.level.transposeInto(dst[n0*k+lo*w:], src[n0*ld+lo:], ld, hi-lo, cols)
	})
}

// packChunks calls f for parts of the panels: columns from n0, rows lo..hi-1.
func (b *Backend) packChunks(k, n int, f func(n0, cols, lo, hi int)) {
	w := b.level.width
	parts := (k + packGrain - 1) / packGrain
	b.chunks(parts*((n+w-1)/w), func(i int) {
		n0, lo := i/parts*w, i%parts*packGrain
		f(n0, min(w, n-n0), lo, min(k, lo+packGrain))
	})
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

// scale multiplies by alpha.
func (b *Backend) scale(x []float32, alpha float32) {
	b.parallel(len(x), copyGrain/4, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			x[i] *= alpha
		}
	})
}
