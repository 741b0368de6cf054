package ref

import "truegrain/kernels"

// Add is a + b.
func (b *Backend[T]) Add(o kernels.Add) {
	x, z, y := b.floats(o.A), b.floats(o.B), b.floats(o.Y)
	for i := range y {
		y[i] = x[i] + z[i]
	}
}

// AddBackward is da = dy, db = dy.
func (b *Backend[T]) AddBackward(o kernels.AddGrad) {
	dy := b.floats(o.DY)
	b.each(o.DA, func(i int) float64 { return float64(dy[i]) })
	b.each(o.DB, func(i int) float64 { return float64(dy[i]) })
}
