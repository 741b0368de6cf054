package cpu

import (
	"math"

	"truegrain/kernels"
)

// BCE is the mean binary cross entropy of probabilities.
func (b *Backend) BCE(op kernels.BCE) {
	p, t := floats(op.P), floats(op.T)
	b.mean(op.Y, op.N, func(lo, hi int) (sum float64) {
		for i := lo; i < hi; i++ {
			v, w := float64(p[i]), float64(t[i])
			sum -= w*max(math.Log(v), -100) + (1-w)*max(math.Log1p(-v), -100)
		}
		return sum
	})
}

// BCEBackward is dp = dy/N·(p − t)/max(p·(1−p), 1e−12).
func (b *Backend) BCEBackward(op kernels.BCEGrad) {
	p, t := floats(op.P), floats(op.T)
	b.lossGradient(op.DP, op.DY, op.N, func(i int) float64 {
		v := float64(p[i])
		return (v - float64(t[i])) / max(v*(1-v), 1e-12)
	})
}
