package cpu

import "truegrain/kernels"

// ConvTranspose2D is the gradient of the picture of the convolution whose positions are x, with an epilogue.
func (b *Backend) ConvTranspose2D(op kernels.ConvTranspose2D) {
	op.Check()
	y := floats(op.Y)
	b.picture(transposedGeometry(op), floats(op.X), floats(op.Weight), y, false, epilogue{
		floats(op.Bias), floats(op.Residual), op.Act})
	b.channelSums(op.Sums, y, op.OC)
}

// ConvTranspose2DBackward computes the gradients: that of x is the convolution of dz.
func (b *Backend) ConvTranspose2DBackward(op kernels.ConvTranspose2DGrad) {
	op.Check()
	g := transposedGeometry(op.ConvTranspose2D)
	dz := b.activationBackward("convtranspose2d", op.Act, op.Rule, op.Y, op.DY, op.Work)
	if op.DX.Wanted() {
		b.convolve(g, dz, floats(op.Weight), floats(op.DX.Buf), op.DX.Acc, epilogue{})
	}
	if op.DWeight.Wanted() {
		b.weights(g, dz, floats(op.X), floats(op.DWeight.Buf), op.DWeight.Acc)
	}
	b.biasBackward(op.DBias, dz, g.pixels(), op.OC)
	b.give(op.DResidual, dz)
}
