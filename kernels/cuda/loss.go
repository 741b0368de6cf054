//go:build cuda || emu

package cuda

import "truegrain/kernels"

// lossChunk is how many elements a block of a loss adds up (LOSS_CHUNK in loss.cuh).
const lossChunk = 4096

// loss is the value y (1) of a loss over x and its targets (n): the mean, in stages; of nothing, 0.
func (d *Device) loss(k typed, y, x, target kernels.Buf, n int) {
	if n == 0 {
		d.Fill(y, 0)
		return
	}
	part := d.scratch(kernels.F32, ceil(n, lossChunk))
	defer d.Free(part)
	d.launch(k.of(x.DType()), grid(part.Len()), block(256), part, x, target, n)
	d.sum(kernels.Grad{Buf: y}, part, 1, part.Len(), 1, 1/float64(n))
}

// lossBackward is dx = dy/n·slope(x, target), if it is wanted.
func (d *Device) lossBackward(k typed, dx kernels.Grad, x, target, dy kernels.Buf, n int) {
	if n > 0 && dx.Wanted() {
		d.launch(k.of(x.DType()), strided(n, 4), block(256), dx.Buf, x, target, dy, n, dx.Acc)
	}
}
