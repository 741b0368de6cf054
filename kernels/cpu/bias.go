package cpu

import "truegrain/kernels"

// Bias adds one row to every row.
func (b *Backend) Bias(op kernels.Bias) {
	k := b.level.columnsOf(op.C)
	over(b, op.R*op.C, k.grain(), biasRun{op, k, k.coef(floats(op.Bias))}, (*Backend).addBias)
}

// biasRun is a Bias with its row as the kernel reads it.
type biasRun struct {
	kernels.Bias
	columns columns
	coef    []float32
}

func (b *Backend) addBias(op *biasRun, lo, hi int) {
	x, y := floats(op.X), floats(op.Y)
	b.level.stream.bias(y[lo:hi], x[lo:hi], op.coef, op.columns.width, b.pastColumns(op.columns, y))
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
