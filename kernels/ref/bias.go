package ref

import "truegrain/kernels"

// Bias adds one row to every row.
func (b *Backend[T]) Bias(o kernels.Bias) {
	bias, y := b.floats(o.Bias), b.floats(o.Y)
	for i, v := range b.floats(o.X) {
		y[i] = v + bias[i%o.C]
	}
}

// BiasBackward is dx = dy, dbias = Σ dy.
func (b *Backend[T]) BiasBackward(o kernels.BiasGrad) {
	dy := b.row(o.DY, 0, o.DY.Len())
	b.each(o.DX, func(i int) float64 { return dy[i] })
	b.columns(o.DBias, dy, o.C)
}
