//go:build cuda || emu

package cuda

import "truegrain/kernels"

// Slice takes a range of the middle axis.
func (d *Device) Slice(o kernels.Slice) {
	n := (o.Stop - o.Start) * o.Inner
	d.copyRows(sliceRows, o.Y, rows{0, 0, n}, o.X, rows{o.Start * o.Inner, 0, o.N * o.Inner}, 1, o.Outer, n, false)
}

// SliceBackward is dx = dy inside the range and 0 outside.
func (d *Device) SliceBackward(o kernels.SliceGrad) {
	if !o.DX.Wanted() {
		return
	}
	if !o.DX.Acc {
		d.Fill(o.DX.Buf, 0)
	}
	n := (o.Stop - o.Start) * o.Inner
	d.copyRows(sliceRows, o.DX.Buf, rows{o.Start * o.Inner, 0, o.N * o.Inner}, o.DY, rows{0, 0, n}, 1, o.Outer, n,
		o.DX.Acc)
}
