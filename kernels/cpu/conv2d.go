package cpu

import "truegrain/kernels"

// Conv2D computes y = act(x ⋆ weight + bias + residual), and the sums of its channels where wanted.
func (b *Backend) Conv2D(op kernels.Conv2D) {
	op.Check()
	y := floats(op.Y)
	if w, ok := op.Packed.(*winograd); ok {
		b.winograd(op, w)
		if s := kernels.Floats[float64](op.Sums); s != nil {
			b.columnSums(y, len(y)/op.OC, op.OC, s[:op.OC], s[op.OC:])
		}
		return
	}
	b.convolve(conv2DGeometry(op), floats(op.X), weightsOf(op.Weight, op.Packed), y, false,
		epilogue{floats(op.Bias), floats(op.Residual), op.Act, kernels.Floats[float64](op.Sums)})
}

// Conv2DBackward computes the gradients of picture, weights, bias and residual.
func (b *Backend) Conv2DBackward(op kernels.Conv2DGrad) {
	op.Check()
	g := conv2DGeometry(op.Conv2D)
	exactly("conv2d", "DY", op.DY, op.Y.Len())
	dz := b.activationBackward("conv2d", op.Act, op.Rule, op.Y, op.DY, op.Work)
	if op.DX.Wanted() {
		exactly("conv2d", "DX", op.DX.Buf, op.X.Len())
		b.picture(g, dz, weightsOf(op.Weight, nil), floats(op.DX.Buf), op.DX.Acc, epilogue{})
	}
	if op.DWeight.Wanted() {
		exactly("conv2d", "DWeight", op.DWeight.Buf, op.Weight.Len())
		b.weights(g, floats(op.X), dz, floats(op.DWeight.Buf), op.DWeight.Acc)
	}
	b.biasBackward("conv2d", op.DBias, dz, g.positions(), op.OC)
	b.give("conv2d", op.DResidual, dz)
}
