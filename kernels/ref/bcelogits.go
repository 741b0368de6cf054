package ref

import (
	"math"

	"truegrain/kernels"
)

// BCELogits is the mean binary cross entropy of logits.
func (b *Backend[T]) BCELogits(o kernels.BCELogits) {
	x, t := b.floats(o.X), b.floats(o.T)
	b.mean(o.Y, o.N, func(i int) float64 {
		v := float64(x[i])
		return max(v, 0) - v*float64(t[i]) + math.Log1p(math.Exp(-math.Abs(v)))
	})
}

// BCELogitsBackward is dx = dy/N·(sigmoid(x) − t).
func (b *Backend[T]) BCELogitsBackward(o kernels.BCELogitsGrad) {
	x, t, dy := b.floats(o.X), b.floats(o.T), float64(b.floats(o.DY)[0])
	b.each(o.DX, func(i int) float64 { return dy / float64(o.N) * (sigmoid(float64(x[i])) - float64(t[i])) })
}
