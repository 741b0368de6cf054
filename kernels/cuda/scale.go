//go:build cuda || emu

package cuda

import "truegrain/kernels"

// Scale is y = Alpha·x.
func (d *Device) Scale(o kernels.Scale) { d.scaled(kernels.Grad{Buf: o.Y}, o.X, o.Alpha) }

// ScaleBackward is dx = Alpha·dy.
func (d *Device) ScaleBackward(o kernels.ScaleGrad) { d.scaled(o.DX, o.DY, o.Alpha) }

// scaled is y = alpha·x, written or added, if y is wanted.
func (d *Device) scaled(y kernels.Grad, x kernels.Buf, alpha float64) {
	if n := y.Buf.Len(); n > 0 {
		d.launch(scaleFwd.of(y.Buf.DType()), strided(n, 4), block(256), y.Buf, x, n, alpha, y.Acc)
	}
}
