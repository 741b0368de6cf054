//go:build cuda || emu

package cuda

import "truegrain/kernels"

// Bias is y[r,c] = x[r,c] + bias[c].
func (d *Device) Bias(o kernels.Bias) {
	if o.R*o.C > 0 {
		d.launch(biasFwd.of(o.Y.DType()), grid(ceil(o.C, 256), min(o.R, mostAcross)), block(256),
			o.Y, o.X, o.Bias, o.R, o.C)
	}
}

// BiasBackward is dx = dy, dbias = Σ_r dy.
func (d *Device) BiasBackward(o kernels.BiasGrad) {
	d.scaled(o.DX, o.DY, 1)
	d.sum(o.DBias, o.DY, 1, o.R, o.C, 1)
}
