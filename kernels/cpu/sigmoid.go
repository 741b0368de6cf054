package cpu

import (
	"unsafe"

	"truegrain/kernels"
)

// Sigmoid is 1/(1 + e^−x).
func (b *Backend) Sigmoid(op kernels.Sigmoid) {
	b.transform("Sigmoid", op.Y, op.X, op.N, b.level.vmath.sigmoid)
}

// SigmoidBackward is dx = dy·y·(1 − y).
func (b *Backend) SigmoidBackward(op kernels.SigmoidGrad) {
	b.slope("SigmoidBackward", op.DX, op.DY, op.Y, op.N, b.level.vmath.sigmoidGrad)
}

// sigmoidOf is 1/(1 + e^−x), rounded once.
func sigmoidOf(x float32) float32 { return float32(1 / (1 + exp64(-float64(max(min(x, 600), -600))))) }

// sigmoidGo is y = 1/(1 + e^−x).
func sigmoidGo(y, x *float32, n, _ int) {
	out := unsafe.Slice(y, n)
	for i, v := range unsafe.Slice(x, n) {
		out[i] = sigmoidOf(v)
	}
}

// sigmoidGradGo is dx = dy·y·(1 − y).
func sigmoidGradGo(dx, dy, y *float32, n, flags int) {
	out, g := unsafe.Slice(dx, n), unsafe.Slice(dy, n)
	for i, v := range unsafe.Slice(y, n) {
		put(&out[i], g[i]*v*(1-v), flags)
	}
}
