//go:build cuda || emu

package cuda

import "truegrain/kernels"

// Add is y = a + b.
func (d *Device) Add(o kernels.Add) {
	if o.N > 0 {
		d.launch(addFwd.of(o.Y.DType()), strided(o.N, 4), block(256), o.Y, o.A, o.B, o.N)
	}
}

// AddBackward is da = dy, db = dy.
func (d *Device) AddBackward(o kernels.AddGrad) {
	d.scaled(o.DA, o.DY, 1)
	d.scaled(o.DB, o.DY, 1)
}
