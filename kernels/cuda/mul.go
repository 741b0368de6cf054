//go:build cuda || emu

package cuda

import "truegrain/kernels"

// Mul is y = a·b.
func (d *Device) Mul(o kernels.Mul) { d.product(kernels.Grad{Buf: o.Y}, o.A, o.B) }

// MulBackward is da = dy·b, db = dy·a.
func (d *Device) MulBackward(o kernels.MulGrad) {
	d.product(o.DA, o.DY, o.B)
	d.product(o.DB, o.DY, o.A)
}

func (d *Device) product(y kernels.Grad, a, b kernels.Buf) {
	if n := y.Buf.Len(); n > 0 {
		d.launch(mulFwd.of(y.Buf.DType()), strided(n, 4), block(256), y.Buf, a, b, n, y.Acc)
	}
}
