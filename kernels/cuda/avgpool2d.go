//go:build cuda || emu

package cuda

import "truegrain/kernels"

// AvgPool2D averages each window, padding included.
func (d *Device) AvgPool2D(o kernels.AvgPool2D) {
	if o.Y.Len() > 0 {
		g, b := cells(o.B, o.OH, o.OW, o.C)
		d.launch(avgPoolFwd.of(o.X.DType()), g, b, o.Y, o.X, windowArgs(o.Window, o.B, o.H, o.W, o.C, o.OH, o.OW))
	}
}

// AvgPool2DBackward spreads dy over each window.
func (d *Device) AvgPool2DBackward(o kernels.AvgPool2DGrad) {
	if o.DX.Wanted() && o.DX.Buf.Len() > 0 {
		g, b := cells(o.B, o.H, o.W, o.C)
		d.launch(avgPoolBwd.of(o.DY.DType()), g, b, o.DX.Buf, o.DY,
			windowArgs(o.Window, o.B, o.H, o.W, o.C, o.OH, o.OW), o.DX.Acc)
	}
}
