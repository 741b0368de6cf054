//go:build cuda || emu

package cuda

import "truegrain/kernels"

// Concat joins along the middle axis.
func (d *Device) Concat(o kernels.Concat) {
	total, at := rowOf(o.N, o.Inner), 0
	for k, x := range o.X {
		n := o.N[k] * o.Inner
		d.copyRows(concatRows, o.Y, rows{at, 0, total}, x, rows{0, 0, n}, 1, o.Outer, n, false)
		at += n
	}
}

// ConcatBackward cuts dy into its parts.
func (d *Device) ConcatBackward(o kernels.ConcatGrad) {
	total, at := rowOf(o.N, o.Inner), 0
	for k, dx := range o.DX {
		n := o.N[k] * o.Inner
		if dx.Wanted() {
			d.copyRows(concatRows, dx.Buf, rows{0, 0, n}, o.DY, rows{at, 0, total}, 1, o.Outer, n, dx.Acc)
		}
		at += n
	}
}

// rowOf is the length of a row of the joined tensor.
func rowOf(n []int, inner int) (total int) {
	for _, v := range n {
		total += v * inner
	}
	return total
}
