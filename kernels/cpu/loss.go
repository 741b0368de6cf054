package cpu

import "truegrain/kernels"

// losses is the kernels of losses, for at most kernelGrain elements: sums of terms in float64, and gradients,
// flags as in vmath.
type losses struct {
	mse, bce, bceLogits             func(x, t *float32, n int) float64
	mseGrad, bceGrad, bceLogitsGrad func(dx, x, t *float32, n int, scale float32, flags int)
	crossEntropyGrad                func(dx, x *float32, n int, lse, scale float32, flags int)
}

var lossesGo = losses{mseSumGo, bceSumGo, bceLogitsSumGo, mseGradGo, bceGradGo, bceLogitsGradGo,
	crossEntropyGradGo}

// mean writes the mean of n terms; f returns the sum of the terms lo..hi-1, at most grain, in float64. The
// mean of nothing is 0.
func (b *Backend) mean(y kernels.Buf, n, grain int, f func(lo, hi int) float64) {
	parts := (n + grain - 1) / grain
	partial := b.scratch64(parts)
	defer b.scratch.put(partial.held)
	b.chunks(parts, func(i int) { partial.x[i] = f(i*grain, min(n, (i+1)*grain)) })
	var sum float64
	for _, p := range partial.x {
		sum += p
	}
	floats(y)[0] = float32(sum / float64(max(n, 1)))
}

// lossMean writes the mean of a kernel's terms of x and t.
func (b *Backend) lossMean(op string, y, x, t kernels.Buf, n int, kernel func(x, t *float32, n int) float64) {
	exactly(op, "X", x, n)
	exactly(op, "T", t, n)
	in, to := floats(x), floats(t)
	b.mean(y, n, sumGrain, func(lo, hi int) float64 { return kernel(&in[lo], &to[lo], hi-lo) })
}

// lossSlope is a wanted gradient of the mean of n terms of x and t.
func (b *Backend) lossSlope(op string, g kernels.Grad, dy, x, t kernels.Buf, n int,
	kernel func(dx, x, t *float32, n int, scale float32, flags int),
) {
	scale := lossScale(dy, n)
	b.slope(op, g, t, x, n, func(dx, t, x *float32, n, flags int) { kernel(dx, x, t, n, scale, flags) })
}

// lossScale is dy/n.
func lossScale(dy kernels.Buf, n int) float32 {
	return float32(float64(floats(dy)[0]) / float64(max(n, 1)))
}
