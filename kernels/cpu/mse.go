package cpu

import "truegrain/kernels"

// MSE is the mean squared error.
func (b *Backend) MSE(op kernels.MSE) {
	x, t := floats(op.X), floats(op.T)
	b.mean(op.Y, op.N, func(lo, hi int) (sum float64) {
		for i := lo; i < hi; i++ {
			d := float64(x[i]) - float64(t[i])
			sum += d * d
		}
		return sum
	})
}

// MSEBackward is dx = dy·2(x − t)/N.
func (b *Backend) MSEBackward(op kernels.MSEGrad) {
	x, t := floats(op.X), floats(op.T)
	b.lossGradient(op.DX, op.DY, op.N, func(i int) float64 { return 2 * (float64(x[i]) - float64(t[i])) })
}
