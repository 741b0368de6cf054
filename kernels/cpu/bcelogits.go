package cpu

import (
	"math"
	"unsafe"

	"truegrain/kernels"
)

// BCELogits is the mean binary cross entropy of logits.
func (b *Backend) BCELogits(op kernels.BCELogits) {
	b.lossMean("BCELogits", op.Y, op.X, op.T, op.N, b.level.vmath.losses.bceLogits)
}

// BCELogitsBackward is dx = dy/N·(sigmoid(x) − t).
func (b *Backend) BCELogitsBackward(op kernels.BCELogitsGrad) {
	b.lossSlope("BCELogitsBackward", op.DX, op.DY, op.X, op.T, op.N, b.level.vmath.losses.bceLogitsGrad)
}

// bceLogitsSumGo is the sum of max(x,0) − x·t + log(1 + e^−|x|).
func bceLogitsSumGo(x, t *float32, n int) (sum float64) {
	to := unsafe.Slice(t, n)
	for i, v := range unsafe.Slice(x, n) {
		v := float64(v)
		sum += max(v, 0) - v*float64(to[i]) + math.Log1p(math.Exp(-math.Abs(v)))
	}
	return sum
}

// bceLogitsGradGo is dx = (sigmoid(x) − t)·scale.
func bceLogitsGradGo(dx, x, t *float32, n int, scale float32, flags int) {
	out, to := unsafe.Slice(dx, n), unsafe.Slice(t, n)
	for i, v := range unsafe.Slice(x, n) {
		p := 1 / (1 + math.Exp(-float64(v)))
		put(&out[i], float32((p-float64(to[i]))*float64(scale)), flags)
	}
}
