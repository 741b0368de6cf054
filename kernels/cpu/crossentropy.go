package cpu

import (
	"math"

	"truegrain/kernels"
)

// CrossEntropy is the mean of log Σ exp x − x[t].
func (b *Backend) CrossEntropy(op kernels.CrossEntropy) {
	x, t, lse := floats(op.X), kernels.Floats[int32](op.T), floats(op.LSE)
	b.mean(op.Y, op.R, func(lo, hi int) (sum float64) {
		e := make([]float32, op.D)
		for r := lo; r < hi; r++ {
			row := x[r*op.D:][:op.D]
			peak, total := b.level.vmath.expRow(e, row)
			l := float64(peak) + math.Log(total)
			lse[r] = float32(l)
			sum += l - float64(row[t[r]])
		}
		return sum
	})
}

// CrossEntropyBackward is dx = dy/R·(softmax − one-hot).
func (b *Backend) CrossEntropyBackward(op kernels.CrossEntropyGrad) {
	x, t, lse := floats(op.X), kernels.Floats[int32](op.T), floats(op.LSE)
	b.lossGradient(op.DX, op.DY, op.R, func(i int) float64 {
		r := i / op.D
		p := math.Exp(float64(x[i]) - float64(lse[r]))
		if i%op.D == int(t[r]) {
			p--
		}
		return p
	})
}
