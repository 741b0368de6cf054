//go:build cuda || emu

package cuda

import "truegrain/kernels"

// MaxPool2D takes the first largest element of each window; a NaN wins.
func (d *Device) MaxPool2D(o kernels.MaxPool2D) {
	if o.Y.Len() > 0 {
		_, per, wide := columnsAcross(o.C, o.X, o.Y, o.Index)
		g, b := cells(o.B, o.OH, o.OW, o.C/per)
		d.launch(maxPoolFwd.of(o.X.DType()), g, b, o.Y, o.Index, o.X,
			windowArgs(o.Window, o.B, o.H, o.W, o.C, o.OH, o.OW), wide)
	}
}

// MaxPool2DBackward sends dy to the winners.
func (d *Device) MaxPool2DBackward(o kernels.MaxPool2DGrad) {
	if o.DX.Wanted() && o.DX.Buf.Len() > 0 {
		_, per, wide := columnsAcross(o.C, o.DY, o.DX.Buf, o.Index)
		g, b := cells(o.B, o.H, o.W, o.C/per)
		d.launch(maxPoolBwd.of(o.DY.DType()), g, b, o.DX.Buf, o.DY, o.Index,
			windowArgs(o.Window, o.B, o.H, o.W, o.C, o.OH, o.OW), o.DX.Acc, wide)
	}
}
