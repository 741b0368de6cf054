package cpu

import (
	"unsafe"

	"truegrain/kernels"
)

// MSE is the mean squared error.
func (b *Backend) MSE(op kernels.MSE) {
	b.lossMean("MSE", op.Y, op.X, op.T, op.N, b.level.vmath.losses.mse)
}

// MSEBackward is dx = dy·2(x − t)/N.
func (b *Backend) MSEBackward(op kernels.MSEGrad) {
	kernel := b.level.vmath.losses.mseGrad
	b.lossSlope("MSEBackward", op.DX, op.DY, op.X, op.T, op.N,
		func(dx, x, t *float32, n int, scale float32, flags int) { kernel(dx, x, t, n, 2*scale, flags) })
}

// mseSumGo is the sum of (x − t)².
func mseSumGo(x, t *float32, n int) (sum float64) {
	to := unsafe.Slice(t, n)
	for i, v := range unsafe.Slice(x, n) {
		d := float64(v) - float64(to[i])
		sum += d * d
	}
	return sum
}

// mseGradGo is dx = (x − t)·scale.
func mseGradGo(dx, x, t *float32, n int, scale float32, flags int) {
	out, to := unsafe.Slice(dx, n), unsafe.Slice(t, n)
	for i, v := range unsafe.Slice(x, n) {
		put(&out[i], (v-to[i])*scale, flags)
	}
}
