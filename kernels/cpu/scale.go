package cpu

import "truegrain/kernels"

// Scale is Alpha·x.
func (b *Backend) Scale(op kernels.Scale) {
	b.gradient(kernels.Grad{Buf: op.Y}, scaled(floats(op.X), float32(op.Alpha)))
}

// ScaleBackward is dx = Alpha·dy.
func (b *Backend) ScaleBackward(op kernels.ScaleGrad) {
	b.gradient(op.DX, scaled(floats(op.DY), float32(op.Alpha)))
}

func scaled(x []float32, alpha float32) func(dst []float32, lo, hi int) {
	return func(dst []float32, lo, hi int) {
		for i, v := range x[lo:hi] {
			dst[i] = alpha * v
		}
	}
}
