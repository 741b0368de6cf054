package cpu

import "truegrain/kernels"

// Scale is Alpha·x.
func (b *Backend) Scale(op kernels.Scale) {
	b.scaled(kernels.Grad{Buf: op.Y}, floats(op.X), float32(op.Alpha))
}

// ScaleBackward is dx = Alpha·dy.
func (b *Backend) ScaleBackward(op kernels.ScaleGrad) {
	b.scaled(op.DX, floats(op.DY), float32(op.Alpha))
}

func (b *Backend) scaled(to kernels.Grad, x []float32, alpha float32) {
	b.produce(to, func(dst []float32, lo, hi, flags int) {
		b.level.stream.scale(dst, x[lo:hi], alpha, flags)
	})
}

func scaleGo(dst, x []float32, alpha float32, _ int) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = alpha * x[i]
	}
}
