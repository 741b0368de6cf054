package cpu

import (
	"math"

	"truegrain/kernels"
)

// BCELogits is the mean binary cross entropy of logits.
func (b *Backend) BCELogits(op kernels.BCELogits) {
	x, t := floats(op.X), floats(op.T)
	b.mean(op.Y, op.N, func(lo, hi int) (sum float64) {
		for i := lo; i < hi; i++ {
			v := float64(x[i])
			sum += max(v, 0) - v*float64(t[i]) + math.Log1p(math.Exp(-math.Abs(v)))
		}
		return sum
	})
}

// BCELogitsBackward is dx = dy/N·(sigmoid(x) − t).
func (b *Backend) BCELogitsBackward(op kernels.BCELogitsGrad) {
	x, t := floats(op.X), floats(op.T)
	b.lossGradient(op.DX, op.DY, op.N, func(i int) float64 {
		return 1/(1+math.Exp(-float64(x[i]))) - float64(t[i])
	})
}
