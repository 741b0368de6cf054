package cpu

import "truegrain/kernels"

// Bias adds one row to every row.
func (b *Backend) Bias(op kernels.Bias) {
	x, y := floats(op.X), floats(op.Y)
	k, flags := b.level.columnsOf(op.C), past(y)
	coef := k.coef(floats(op.Bias))
	b.parallel(op.R*op.C, k.grain(), func(lo, hi int) {
		b.level.stream.bias(y[lo:hi], x[lo:hi], coef, k.width, flags)
	})
}

// BiasBackward is dx = dy, dbias = Σ dy.
func (b *Backend) BiasBackward(op kernels.BiasGrad) {
	b.give("bias", op.DX, floats(op.DY))
	b.biasBackward("bias", op.DBias, floats(op.DY), op.R, op.C)
}

func biasGo(dst, x, coef []float32, width, _ int) {
	for len(dst) > 0 {
		n := min(width, len(dst))
		addGo(dst[:n], x, coef, 0)
		dst, x = dst[n:], x[n:]
	}
}
