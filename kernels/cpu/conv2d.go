package cpu

import "truegrain/kernels"

// Conv2D computes y = act(x ⋆ weight + bias + residual), and the sums of its channels where wanted: by
// Winograd's algorithm where its weights are packed for that (winograd.go), else as a product
// (convforward.go).
func (b *Backend) Conv2D(op kernels.Conv2D) {
	op.Check()
	y := floats(op.Y)
	if w, ok := op.Packed.(*winograd); ok {
		b.winograd(conv2DGeometry(op), w, floats(op.X), y,
			epilogue{bias: floats(op.Bias), res: floats(op.Residual), act: op.Act})
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
		b.conv2DPicture(op, g, dz)
	}
	if op.DWeight.Wanted() {
		exactly("conv2d", "DWeight", op.DWeight.Buf, op.Weight.Len())
		b.conv2DWeights(op, g, dz)
	}
	b.biasBackward("conv2d", op.DBias, dz, g.positions(), op.OC)
	b.give("conv2d", op.DResidual, dz)
}

// conv2DPicture computes the gradient of the picture (convpicture.go; winogradtrain.go).
func (b *Backend) conv2DPicture(op kernels.Conv2DGrad, g geometry, dz []float32) {
	weight, dx := floats(op.Weight), floats(op.DX.Buf)
	if m := b.winogradTrains(op.Conv2D, g.mirrored()); m > 0 {
		b.winogradPicture(g.mirrored(), m, dz, weight, dx, op.DX.Acc)
		return
	}
	b.picture(g, dz, weights{raw: weight}, dx, op.DX.Acc, epilogue{})
}

// conv2DWeights computes the gradient of the weights (convweights.go; winogradtrain.go).
func (b *Backend) conv2DWeights(op kernels.Conv2DGrad, g geometry, dz []float32) {
	x, dw := floats(op.X), floats(op.DWeight.Buf)
	if m := b.winogradTrains(op.Conv2D, g); m > 0 {
		b.winogradWeights(g, m, x, dz, dw, op.DWeight.Acc)
		return
	}
	b.weights(g, x, dz, dw, op.DWeight.Acc)
}
