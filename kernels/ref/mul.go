package ref

import "truegrain/kernels"

// Mul is a·b.
func (b *Backend[T]) Mul(o kernels.Mul) {
	x, z, y := b.floats(o.A), b.floats(o.B), b.floats(o.Y)
	for i := range y {
		y[i] = x[i] * z[i]
	}
}

// MulBackward is da = dy·b, db = dy·a.
func (b *Backend[T]) MulBackward(o kernels.MulGrad) {
	x, z, dy := b.floats(o.A), b.floats(o.B), b.floats(o.DY)
	b.each(o.DA, func(i int) float64 { return float64(dy[i]) * float64(z[i]) })
	b.each(o.DB, func(i int) float64 { return float64(dy[i]) * float64(x[i]) })
}
