package cpu

import "truegrain/kernels"

// Mul is a·b.
func (b *Backend) Mul(op kernels.Mul) {
	x, z, y := floats(op.A), floats(op.B), floats(op.Y)
	flags := b.past(y)
	b.elements(op.N, func(lo, hi int) { b.level.stream.multiply(y[lo:hi], x[lo:hi], z[lo:hi], flags) })
}

// MulBackward is da = dy·b, db = dy·a.
func (b *Backend) MulBackward(op kernels.MulGrad) {
	x, z, dy := floats(op.A), floats(op.B), floats(op.DY)
	times := func(z []float32) func(dst []float32, lo, hi, flags int) {
		return func(dst []float32, lo, hi, flags int) {
			b.level.stream.multiply(dst, dy[lo:hi], z[lo:hi], flags)
		}
	}
	b.produce(op.DA, times(z))
	b.produce(op.DB, times(x))
}

func multiplyGo(dst, a, b []float32, _ int) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}
