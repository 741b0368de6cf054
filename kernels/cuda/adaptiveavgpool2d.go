//go:build cuda || emu

package cuda

import "truegrain/kernels"

// AdaptiveAvgPool2D averages the rows and columns that each output covers.
func (d *Device) AdaptiveAvgPool2D(o kernels.AdaptiveAvgPool2D) {
	if o.OH == 1 && o.OW == 1 && o.H*o.W > 0 {
		d.sum(kernels.Grad{Buf: o.Y}, o.X, o.B, o.H*o.W, o.C, 1/float64(o.H*o.W))
		return
	}
	if o.Y.Len() > 0 {
		g, b := cells(o.B, o.OH, o.OW, o.C)
		d.launch(adaptivePoolFwd.of(o.X.DType()), g, b, o.Y, o.X, o.B, o.H, o.W, o.C, o.OH, o.OW)
	}
}

// AdaptiveAvgPool2DBackward spreads dy over them.
func (d *Device) AdaptiveAvgPool2DBackward(o kernels.AdaptiveAvgPool2DGrad) {
	if o.DX.Wanted() && o.DX.Buf.Len() > 0 {
		g, b := cells(o.B, o.H, o.W, o.C)
		d.launch(adaptivePoolBwd.of(o.DY.DType()), g, b, o.DX.Buf, o.DY, o.B, o.H, o.W, o.C, o.OH, o.OW, o.DX.Acc)
	}
}
