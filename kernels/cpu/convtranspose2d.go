package cpu

import "truegrain/kernels"

// ConvTranspose2D is the gradient of the picture of the convolution whose positions are x, with an epilogue.
func (b *Backend) ConvTranspose2D(op kernels.ConvTranspose2D) {
	op.Check()
	y := kernels.Floats[float32](op.Y)
	b.picture(transposedGeometry(op), kernels.Floats[float32](op.X), kernels.Floats[float32](op.Weight), y, false, epilogue{
		kernels.Floats[float32](op.Bias), kernels.Floats[float32](op.Residual), op.Act})
	b.channelSums(op.Sums, y, op.OC)
}

// ConvTranspose2DBackward computes the gradients: that of x is the convolution of dz.
func (b *Backend) ConvTranspose2DBackward(op kernels.ConvTranspose2DGrad) {
	op.Check()
	g := transposedGeometry(op.ConvTranspose2D)
	dz := b.activationBackward("convtranspose2d", op.Act, op.Rule, op.Y, op.DY, op.Work)
	if op.DX.Wanted() {
		b.convolve(g, dz, kernels.Floats[float32](op.Weight), kernels.Floats[float32](op.DX.Buf), op.DX.Acc, epilogue{})
	}
	if op.DWeight.Wanted() {
		b.weights(g, dz, kernels.Floats[float32](op.X), kernels.Floats[float32](op.DWeight.Buf), op.DWeight.Acc)
	}
	b.biasBackward(op.DBias, dz, g.pixels(), op.OC)
	b.give(op.DResidual, dz)
}
