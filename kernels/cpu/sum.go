package cpu

import "truegrain/kernels"

// sumGrain is the number of elements of a partial sum.
const sumGrain = 1 << 15

// Sum reduces the middle axis in float64.
func (b *Backend) Sum(op kernels.Sum) {
	x, y := floats(op.X), floats(op.Y)
	n := op.N * op.Inner
	b.parallel(op.Outer, rowGrain(n), func(lo, hi int) {
		sums := b.scratch64(op.Inner)
		defer b.scratch.put(sums.held)
		for o := lo; o < hi; o++ {
			b.columnSums(x[o*n:][:n], op.N, op.Inner, sums.x, nil)
			for j, s := range sums.x {
				y[o*op.Inner+j] = float32(op.Scale * s)
			}
		}
	})
}

// SumBackward is dx = Scale·dy, the rows of dy repeated.
func (b *Backend) SumBackward(op kernels.SumGrad) {
	dy, scale := floats(op.DY), float32(op.Scale)
	b.produce(op.DX, func(dst []float32, lo, _, flags int) {
		row := b.scratch.get(op.Inner)
		defer b.scratch.put(row)
		if op.N%16 != 0 {
			flags = 0 // rows that begin within a cache line
		}
		for len(dst) > 0 {
			o, j := lo/(op.N*op.Inner), lo%op.Inner
			n := min(len(dst), (o+1)*op.N*op.Inner-lo)
			if op.Inner == 1 {
				b.level.stream.fill(dst[:n], scale*dy[o], flags)
			} else {
				b.level.stream.scale(row, dy[o*op.Inner:][:op.Inner], scale, 0)
				repeat(dst[:n], row, j)
			}
			dst, lo = dst[n:], lo+n
		}
	})
}

// repeat fills dst with copies of row, from element j of it on.
func repeat(dst, row []float32, j int) {
	n := copy(dst, row[j:])
	n += copy(dst[n:], row[:j])
	for n < len(dst) { // twice as much each time, since a row may be short
		n += copy(dst[n:], dst[:n])
	}
}
