//go:build cuda || emu

package cuda

import "truegrain/kernels"

// ReLU is y = max(x, 0).
func (d *Device) ReLU(o kernels.ReLU) {
	if o.N > 0 {
		d.launch(reluFwd.of(o.Y.DType()), strided(o.N, 4), block(256), o.Y, o.X, o.N)
	}
}

// ReLUBackward is dx = dy through the ReLU by Rule.
func (d *Device) ReLUBackward(o kernels.ReLUGrad) { d.through(o.DX, o.DY, o.Y, o.Rule) }

// through is what a ReLU with output y lets through of dy, written or added, if it is wanted.
func (d *Device) through(dx kernels.Grad, dy, y kernels.Buf, rule kernels.ReLURule) {
	if n := dx.Buf.Len(); n > 0 {
		d.launch(reluBwd.of(dx.Buf.DType()), strided(n, 4), block(256), dx.Buf, dy, y, n, int(rule), dx.Acc)
	}
}
