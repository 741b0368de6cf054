//go:build cuda || emu

package cuda

import "truegrain/kernels"

// reversed is the convolution that maps the output of a transposed convolution to its input.
func reversed(o kernels.ConvTranspose2D) convShape {
	oh, ow := o.OutSize()
	return shapeOf(o.Window, o.B, oh, ow, o.OC, o.H, o.W, o.C, o.Groups)
}

// ConvTranspose2D is y = act(convᵀ(x, weight) + bias + residual).
func (d *Device) ConvTranspose2D(o kernels.ConvTranspose2D) {
	o.Check()
	s := reversed(o)
	s.Act = int32(o.Act)
	x, w, free := d.operands("convtranspose2d", o.X, o.Weight, o.Packed, false)
	defer free()
	d.convBackwardX(kernels.Grad{Buf: o.Y}, x, w, o.Bias, o.Residual, s)
	d.channelSums(o.Sums, o.Y, int(s.Batch*s.H*s.W), o.OC)
}

// ConvTranspose2DBackward sends dz back along every product.
func (d *Device) ConvTranspose2DBackward(o kernels.ConvTranspose2DGrad) {
	s := reversed(o.ConvTranspose2D)
	dz := d.beforeActivation("convtranspose2d", o.Act, o.Rule, o.DY, o.Y, o.Work)
	d.convForward(o.DX, dz, o.Weight, kernels.Buf{}, kernels.Buf{}, kernels.Buf{}, s)
	d.convBackwardW(o.DWeight, o.X, dz, s)
	d.sum(o.DBias, dz, 1, int(s.Batch*s.H*s.W), o.OC, 1)
	d.scaled(o.DResidual, dz, 1)
}
