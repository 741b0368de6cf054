package cpu

import "truegrain/kernels"

// sumGrain is the number of elements of a partial sum.
const sumGrain = 1 << 15

// Sum reduces the middle axis in float64, partial sums added in their order.
func (b *Backend) Sum(op kernels.Sum) {
	x, y := floats(op.X), floats(op.Y)
	step := max(1, sumGrain/max(op.Inner, 1))
	parts := max(1, (op.N+step-1)/step)
	partial := make([]float64, op.Outer*parts*op.Inner)
	b.chunks(op.Outer*parts, func(i int) {
		o, p := i/parts, i%parts
		s := partial[i*op.Inner:][:op.Inner]
		for n := p * step; n < min(op.N, (p+1)*step); n++ {
			addTo(s, x[(o*op.N+n)*op.Inner:][:op.Inner])
		}
	})
	for o := range op.Outer {
		for j := range op.Inner {
			var s float64
			for p := range parts {
				s += partial[(o*parts+p)*op.Inner+j]
			}
			y[o*op.Inner+j] = float32(op.Scale * s)
		}
	}
}

// SumBackward is dx = Scale·dy.
func (b *Backend) SumBackward(op kernels.SumGrad) {
	dy := floats(op.DY)
	b.gradient(op.DX, func(dst []float32, lo, hi int) {
		for i := range dst {
			at := lo + i
			dst[i] = float32(op.Scale) * dy[at/(op.N*op.Inner)*op.Inner+at%op.Inner]
		}
	})
}
