//go:build cuda || emu

package cuda

import "truegrain/kernels"

// GELU is y = x·Φ(x).
func (d *Device) GELU(o kernels.GELU) {
	if o.N > 0 {
		d.launch(geluFwd.of(o.Y.DType()), strided(o.N, 4), block(256), o.Y, o.X, o.N)
	}
}

// GELUBackward is dx = dy·(Φ(x) + x·φ(x)).
func (d *Device) GELUBackward(o kernels.GELUGrad) {
	if o.N > 0 && o.DX.Wanted() {
		d.launch(geluBwd.of(o.DY.DType()), strided(o.N, 4), block(256), o.DX.Buf, o.DY, o.X, o.N, o.DX.Acc)
	}
}
