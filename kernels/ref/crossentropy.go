package ref

import (
	"math"

	"truegrain/kernels"
)

// CrossEntropy is the mean of log Σ exp x − x[t].
func (b *Backend[T]) CrossEntropy(o kernels.CrossEntropy) {
	t, lses := kernels.Floats[int32](o.T), b.floats(o.LSE)
	b.mean(o.Y, o.R, func(r int) float64 {
		x := b.row(o.X, r, o.D)
		lse := logSumExp(x)
		lses[r] = T(lse)
		return lse - x[t[r]]
	})
}

// CrossEntropyBackward is dx = dy/R·(softmax − one-hot).
func (b *Backend[T]) CrossEntropyBackward(o kernels.CrossEntropyGrad) {
	x, t, lse, dy := b.floats(o.X), kernels.Floats[int32](o.T), b.floats(o.LSE), float64(b.floats(o.DY)[0])
	b.each(o.DX, func(i int) float64 {
		r := i / o.D
		p := math.Exp(float64(x[i]) - float64(lse[r]))
		if i%o.D == int(t[r]) {
			p--
		}
		return dy / float64(o.R) * p
	})
}
