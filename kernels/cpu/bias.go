package cpu

import "truegrain/kernels"

// Bias adds one row to every row.
func (b *Backend) Bias(op kernels.Bias) {
	x, bias, y := floats(op.X), floats(op.Bias), floats(op.Y)
	c := op.C
	b.parallel(op.R, rowGrain(c), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			in, out := x[r*c:][:c], y[r*c:][:c]
			for j, v := range bias {
				out[j] = in[j] + v
			}
		}
	})
}

// BiasBackward is dx = dy, dbias = Σ dy.
func (b *Backend) BiasBackward(op kernels.BiasGrad) {
	b.give("bias", op.DX, floats(op.DY))
	b.biasBackward("bias", op.DBias, floats(op.DY), op.R, op.C)
}
