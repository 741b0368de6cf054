//go:build cuda || emu

package cuda

import "truegrain/kernels"

// CrossEntropy is the mean of log Σ exp x − x[t].
func (d *Device) CrossEntropy(o kernels.CrossEntropy) {
	if o.R*o.D == 0 {
		d.Fill(o.Y, 0)
		return
	}
	loss := d.scratch(kernels.F32, o.R)
	defer d.Free(loss)
	d.launch(crossEntropyFwd.of(o.X.DType()), grid(ceil(o.R, 8)), block(256), loss, o.LSE, o.X, o.T, o.R, o.D)
	d.sum(kernels.Grad{Buf: o.Y}, loss, 1, o.R, 1, 1/float64(o.R))
}

// CrossEntropyBackward is dx = dy/R·(softmax − one-hot).
func (d *Device) CrossEntropyBackward(o kernels.CrossEntropyGrad) {
	if o.R*o.D > 0 && o.DX.Wanted() {
		d.launch(crossEntropyBwd.of(o.X.DType()), grid(ceil(o.R, 8)), block(256),
			o.DX.Buf, o.X, o.T, o.LSE, o.DY, o.R, o.D, o.DX.Acc)
	}
}
