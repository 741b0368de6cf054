package cpu

import "truegrain/kernels"

// Mul is a·b.
func (b *Backend) Mul(op kernels.Mul) {
	x, z, y := floats(op.A), floats(op.B), floats(op.Y)
	b.elements(op.N, func(lo, hi int) { multiply(y[lo:hi], x[lo:hi], z[lo:hi]) })
}

// MulBackward is da = dy·b, db = dy·a.
func (b *Backend) MulBackward(op kernels.MulGrad) {
	x, z, dy := floats(op.A), floats(op.B), floats(op.DY)
	b.gradient(op.DA, func(dst []float32, lo, hi int) { multiply(dst, dy[lo:hi], z[lo:hi]) })
	b.gradient(op.DB, func(dst []float32, lo, hi int) { multiply(dst, dy[lo:hi], x[lo:hi]) })
}

func multiply(dst, u, v []float32) {
	for i := range dst {
		dst[i] = u[i] * v[i]
	}
}
