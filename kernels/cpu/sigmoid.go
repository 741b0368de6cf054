package cpu

import (
	"math"

	"truegrain/kernels"
)

// sigmoidOf is 1/(1 + e^−x). Where e^−x overflows the result is 0, as it should be.
func sigmoidOf(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

// Sigmoid is 1/(1 + e^−x).
func (b *Backend) Sigmoid(op kernels.Sigmoid) {
	x, y := floats(op.X), floats(op.Y)
	b.elements(op.N, func(lo, hi int) {
		for i, v := range x[lo:hi] {
			y[lo+i] = sigmoidOf(v)
		}
	})
}

// SigmoidBackward is dx = dy·y·(1 − y).
func (b *Backend) SigmoidBackward(op kernels.SigmoidGrad) {
	y, dy := floats(op.Y), floats(op.DY)
	b.gradient(op.DX, func(dst []float32, lo, hi int) {
		for i, v := range y[lo:hi] {
			dst[i] = dy[lo+i] * v * (1 - v)
		}
	})
}
