package ref

import "truegrain/kernels"

// MSE is the mean squared error.
func (b *Backend[T]) MSE(o kernels.MSE) {
	x, t := b.floats(o.X), b.floats(o.T)
	b.mean(o.Y, o.N, func(i int) float64 {
		d := float64(x[i]) - float64(t[i])
		return d * d
	})
}

// MSEBackward is dx = dy·2(x − t)/N.
func (b *Backend[T]) MSEBackward(o kernels.MSEGrad) {
	x, t, dy := b.floats(o.X), b.floats(o.T), float64(b.floats(o.DY)[0])
	b.each(o.DX, func(i int) float64 { return dy * 2 * (float64(x[i]) - float64(t[i])) / float64(o.N) })
}
