package ref

import (
	"math"

	"truegrain/kernels"
)

func sigmoid(x float64) float64 {
	if x < 0 {
		e := math.Exp(x)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-x))
}

// Sigmoid is 1/(1 + e^−x).
func (b *Backend[T]) Sigmoid(o kernels.Sigmoid) {
	y := b.floats(o.Y)
	for i, v := range b.floats(o.X) {
		y[i] = T(sigmoid(float64(v)))
	}
}

// SigmoidBackward is dx = dy·y·(1 − y).
func (b *Backend[T]) SigmoidBackward(o kernels.SigmoidGrad) {
	y, dy := b.floats(o.Y), b.floats(o.DY)
	b.each(o.DX, func(i int) float64 { return float64(dy[i]) * float64(y[i]) * (1 - float64(y[i])) })
}
