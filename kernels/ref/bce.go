package ref

import (
	"math"

	"truegrain/kernels"
)

// mean stores the mean of f over n elements: the value of a loss. The mean of nothing is 0.
func (b *Backend[T]) mean(y kernels.Buf, n int, f func(i int) float64) {
	var s float64
	for i := range n {
		s += f(i)
	}
	b.floats(y)[0] = T(s / float64(max(n, 1)))
}

// BCE is the mean binary cross entropy of probabilities.
func (b *Backend[T]) BCE(o kernels.BCE) {
	p, t := b.floats(o.P), b.floats(o.T)
	b.mean(o.Y, o.N, func(i int) float64 {
		v, w := float64(p[i]), float64(t[i])
		return -(w*max(math.Log(v), -100) + (1-w)*max(math.Log1p(-v), -100))
	})
}

// BCEBackward is dp = dy/N·(p − t)/max(p·(1−p), 1e−12).
func (b *Backend[T]) BCEBackward(o kernels.BCEGrad) {
	p, t, dy := b.floats(o.P), b.floats(o.T), float64(b.floats(o.DY)[0])
	b.each(o.DP, func(i int) float64 {
		v := float64(p[i])
		return dy / float64(o.N) * (v - float64(t[i])) / max(v*(1-v), 1e-12)
	})
}
