//go:build cuda || emu

package cuda

import "truegrain/kernels"

// Sigmoid is y = 1/(1 + e^−x).
func (d *Device) Sigmoid(o kernels.Sigmoid) {
	if o.N > 0 {
		d.launch(sigmoidFwd.of(o.Y.DType()), strided(o.N, 4), block(256), o.Y, o.X, o.N)
	}
}

// SigmoidBackward is dx = dy·y·(1 − y).
func (d *Device) SigmoidBackward(o kernels.SigmoidGrad) {
	if o.N > 0 && o.DX.Wanted() {
		d.launch(sigmoidBwd.of(o.DY.DType()), strided(o.N, 4), block(256), o.DX.Buf, o.DY, o.Y, o.N, o.DX.Acc)
	}
}
