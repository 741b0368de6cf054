package cpu

import "truegrain/kernels"

// ConvTranspose2D is the gradient of the picture of the convolution whose positions are x, with an epilogue.
func (b *Backend) ConvTranspose2D(op kernels.ConvTranspose2D) {
	op.Check()
	y := floats(op.Y)
	b.picture(transposedGeometry(op), floats(op.X), weightsOf(op.Weight, op.Packed), y, false,
		epilogue{floats(op.Bias), floats(op.Residual), op.Act, kernels.Floats[float64](op.Sums)})
}

// ConvTranspose2DBackward computes the gradients: that of x is the convolution of dz.
func (b *Backend) ConvTranspose2DBackward(op kernels.ConvTranspose2DGrad) {
	op.Check()
	const name = "convtranspose2d"
	g := transposedGeometry(op.ConvTranspose2D)
	exactly(name, "DY", op.DY, op.Y.Len())
	dz := b.activationBackward(name, op.Act, op.Rule, op.Y, op.DY, op.Work)
	if op.DX.Wanted() {
		exactly(name, "DX", op.DX.Buf, op.X.Len())
		w, dx := weightsOf(op.Weight, nil), floats(op.DX.Buf)
		if b.halves(&g) {
			b.convolveHalves(g, dz, w, dx, op.DX.Acc)
		} else {
			b.convolve(g, dz, w, dx, op.DX.Acc, epilogue{})
		}
	}
	if op.DWeight.Wanted() {
		exactly(name, "DWeight", op.DWeight.Buf, op.Weight.Len())
		b.weights(g, dz, floats(op.X), floats(op.DWeight.Buf), op.DWeight.Acc)
	}
	b.biasBackward(name, op.DBias, dz, g.pixels(), op.OC)
	b.give(name, op.DResidual, dz)
}
