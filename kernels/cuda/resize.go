//go:build cuda || emu

package cuda

import (
	"fmt"
	"math"

	"truegrain/kernels"
)

// Resize is bilinear interpolation.
func (d *Device) Resize(o kernels.Resize) {
	if o.Y.Len() > 0 {
		resizable(o)
		g, b := cells(o.B, o.OH, o.OW, o.C)
		d.launch(resizeFwd.of(o.X.DType()), g, b, o.Y, o.X, o.B, o.H, o.W, o.C, o.OH, o.OW)
	}
}

// ResizeBackward spreads dy over the four inputs.
func (d *Device) ResizeBackward(o kernels.ResizeGrad) {
	if o.DX.Wanted() && o.DX.Buf.Len() > 0 {
		resizable(o.Resize)
		g, b := cells(o.B, o.H, o.W, o.C)
		d.launch(resizeBwd.of(o.DY.DType()), g, b, o.DX.Buf, o.DY, o.B, o.H, o.W, o.C, o.OH, o.OW, o.DX.Acc)
	}
}

// resizable panics where the exact positions of rows and columns do not fit into 32 bits.
func resizable(o kernels.Resize) {
	if big := max((2*o.OH+1)*o.H, (2*o.OW+1)*o.W); big > math.MaxInt32 {
		panic(&kernels.ArgError{Op: "resize", Field: "size",
			Reason: fmt.Sprintf("%d×%d to %d×%d is too large for this device", o.H, o.W, o.OH, o.OW)})
	}
}
