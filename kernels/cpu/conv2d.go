package cpu

import "truegrain/kernels"

// Conv2D computes y = act(x ⋆ weight + bias + residual), and the sums of its channels where wanted.
func (b *Backend) Conv2D(op kernels.Conv2D) {
	op.Check()
	y := floats(op.Y)
	if w, ok := op.Packed.(*winograd); ok {
		b.winograd(op, w)
	} else {
		b.convolve(conv2DGeometry(op), floats(op.X), weightsOf(op.Weight, op.Packed), y, false,
			epilogue{floats(op.Bias), floats(op.Residual), op.Act})
	}
	b.channelSums(op.Sums, y, op.OC)
}

// channelSums writes Σ y and Σ y² of every channel, if sums is wanted.
func (b *Backend) channelSums(sums kernels.Buf, y []float32, c int) {
	if s := kernels.Floats[float64](sums); len(s) > 0 {
		b.columnSums(y, len(y)/c, c, s[:c], s[c:])
	}
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
