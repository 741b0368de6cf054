package cpu

import "truegrain/kernels"

// mean writes the mean of n terms; f returns the sum of the terms lo..hi-1 in float64. The mean of nothing is
// 0.
func (b *Backend) mean(y kernels.Buf, n int, f func(lo, hi int) float64) {
	parts := (n + sumGrain - 1) / sumGrain
	partial := make([]float64, parts)
	b.chunks(parts, func(i int) { partial[i] = f(i*sumGrain, min(n, (i+1)*sumGrain)) })
	var sum float64
	for _, p := range partial {
		sum += p
	}
	floats(y)[0] = float32(sum / float64(max(n, 1)))
}

// lossGradient is dst[i] = dy/n·f(i) for the gradient of a mean over n terms.
func (b *Backend) lossGradient(g kernels.Grad, dy kernels.Buf, n int, f func(i int) float64) {
	scale := float64(floats(dy)[0]) / float64(max(n, 1))
	b.gradient(g, func(dst []float32, lo, hi int) {
		for i := range dst {
			dst[i] = float32(scale * f(lo+i))
		}
	})
}
