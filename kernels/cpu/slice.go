package cpu

import "truegrain/kernels"

// Slice copies a range of the middle axis.
func (b *Backend) Slice(op kernels.Slice) {
	over(b, op.Outer, rowGrain((op.Stop-op.Start)*op.Inner), op, (*Backend).sliceRuns)
}

func (b *Backend) sliceRuns(op *kernels.Slice, lo, hi int) {
	x, y, n := floats(op.X), floats(op.Y), (op.Stop-op.Start)*op.Inner
	for o := lo; o < hi; o++ {
		copy(y[o*n:][:n], x[(o*op.N+op.Start)*op.Inner:])
	}
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
