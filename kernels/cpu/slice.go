package cpu

import "truegrain/kernels"

// Slice copies a range of the middle axis.
func (b *Backend) Slice(op kernels.Slice) {
	x, y := floats(op.X), floats(op.Y)
	n := (op.Stop - op.Start) * op.Inner
	b.parallel(op.Outer, rowGrain(n), func(lo, hi int) {
		for o := lo; o < hi; o++ {
			copy(y[o*n:][:n], x[(o*op.N+op.Start)*op.Inner:])
		}
	})
}

// SliceBackward is dy inside the range and zero outside.
func (b *Backend) SliceBackward(op kernels.SliceGrad) {
	if !op.DX.Wanted() {
		return
	}
	dy, dx := floats(op.DY), b.zeroed(op.DX)
	n := (op.Stop - op.Start) * op.Inner
	b.parallel(op.Outer, rowGrain(n), func(lo, hi int) {
		for o := lo; o < hi; o++ {
			giveRow(dx[(o*op.N+op.Start)*op.Inner:][:n], dy[o*n:][:n], true)
		}
	})
}
