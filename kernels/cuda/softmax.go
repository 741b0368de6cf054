//go:build cuda || emu

package cuda

import "truegrain/kernels"

// Softmax is y = exp(x − m) / Σ exp(x − m), row by row.
func (d *Device) Softmax(o kernels.Softmax) {
	if o.R*o.D > 0 {
		d.launch(softmaxFwd.of(o.Y.DType()), grid(ceil(o.R, 8)), block(256), o.Y, o.X, o.R, o.D)
	}
}

// SoftmaxBackward is dx = y·(dy − Σ dy·y).
func (d *Device) SoftmaxBackward(o kernels.SoftmaxGrad) {
	if o.R*o.D > 0 && o.DX.Wanted() {
		d.launch(softmaxBwd.of(o.DY.DType()), grid(ceil(o.R, 8)), block(256),
			o.DX.Buf, o.DY, o.Y, o.R, o.D, o.DX.Acc)
	}
}
