package cpu

import (
	"math"
	"unsafe"

	"truegrain/kernels"
)

// BCE is the mean binary cross entropy of probabilities.
func (b *Backend) BCE(op kernels.BCE) {
	kernel := b.level.vmath.losses.bce
	b.lossMean("BCE", op.Y, op.P, op.T, op.N, func(p, t *float32, n int) float64 { return -kernel(p, t, n) })
}

// BCEBackward is dp = dy/N·(p − t)/max(p·(1−p), 1e−12).
func (b *Backend) BCEBackward(op kernels.BCEGrad) {
	b.lossSlope("BCEBackward", op.DP, op.DY, op.P, op.T, op.N, b.level.vmath.losses.bceGrad)
}

// bceSumGo is the sum of t·log p + (1 − t)·log(1 − p), no logarithm below −100.
func bceSumGo(p, t *float32, n int) (sum float64) {
	to := unsafe.Slice(t, n)
	for i, v := range unsafe.Slice(p, n) {
		v, w := float64(v), float64(to[i])
		sum += w*max(math.Log(v), -100) + (1-w)*max(math.Log1p(-v), -100)
	}
	return sum
}

// bceGradGo is dp = (p − t)/max(p·(1−p), 1e−12)·scale.
func bceGradGo(dp, p, t *float32, n int, scale float32, flags int) {
	out, to := unsafe.Slice(dp, n), unsafe.Slice(t, n)
	for i, v := range unsafe.Slice(p, n) {
		v := float64(v)
		put(&out[i], float32((v-float64(to[i]))/max(v*(1-v), 1e-12)*float64(scale)), flags)
	}
}
