package ref

import "truegrain/kernels"

// Gemm is C = α·op(A)·op(B) (+ C).
func (b *Backend[T]) Gemm(o kernels.Gemm) {
	alpha := o.Alpha
	if alpha == 0 {
		alpha = 1
	}
	at := func(x []T, trans bool, ld, i, j int) float64 {
		if trans {
			i, j = j, i
		}
		return float64(x[i*ld+j])
	}
	as, bs, cs := b.floats(o.A), b.floats(o.B), b.floats(o.C)
	for n := range max(1, o.Batch) {
		x, y, c := as[min(n*o.StrideA, len(as)):], bs[min(n*o.StrideB, len(bs)):],
			cs[min(n*o.StrideC, len(cs)):]
		for i := range o.M {
			for j := range o.N {
				var s float64
				for k := range o.K {
					s += at(x, o.TransA, o.LDA, i, k) * at(y, o.TransB, o.LDB, k, j)
				}
				s *= alpha
				if o.Acc {
					s += float64(c[i*o.LDC+j])
				}
				c[i*o.LDC+j] = T(s)
			}
		}
	}
}
