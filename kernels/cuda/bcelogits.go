//go:build cuda || emu

package cuda

import "truegrain/kernels"

// BCELogits is the mean binary cross entropy of logits.
func (d *Device) BCELogits(o kernels.BCELogits) { d.loss(bceLogitsFwd, o.Y, o.X, o.T, o.N) }

// BCELogitsBackward is dx = dy/N·(sigmoid(x) − t).
func (d *Device) BCELogitsBackward(o kernels.BCELogitsGrad) {
	d.lossBackward(bceLogitsBwd, o.DX, o.X, o.T, o.DY, o.N)
}
