//go:build cuda || emu

package cuda

import (
	"math"

	"truegrain/kernels"
)

// Dropout zeroes elements at random and scales the rest.
func (d *Device) Dropout(o kernels.Dropout) { d.masked(kernels.Grad{Buf: o.Y}, o.X, o) }

// DropoutBackward is dx = dy through the same mask and scale.
func (d *Device) DropoutBackward(o kernels.DropoutGrad) { d.masked(o.DX, o.DY, o.Dropout) }

func (d *Device) masked(y kernels.Grad, x kernels.Buf, o kernels.Dropout) {
	if o.N == 0 || !y.Wanted() {
		return
	}
	drop, scale := 1<<24, 0.0 // of 2²⁴ equally likely values, those below drop
	if o.P < 1 {
		drop, scale = int(math.Ceil(o.P*(1<<24))), 1/(1-o.P)
	}
	d.launch(dropoutMask.of(x.DType()), strided(o.N, 4), block(256), y.Buf, x, o.StepIn, o.N, int(o.Seed), int(o.Step),
		int(o.Node), drop, scale, y.Acc)
}
