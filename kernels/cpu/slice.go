package cpu

import "truegrain/kernels"

// Slice copies a range of the middle axis.
func (b *Backend) Slice(op kernels.Slice) {
	overPieces(b, op.Outer, (op.Stop-op.Start)*op.Inner, op, (*Backend).sliceRun)
}

func (b *Backend) sliceRun(op *kernels.Slice, o, lo, hi int) {
	n := (op.Stop - op.Start) * op.Inner
	copy(floats(op.Y)[o*n:][lo:hi], floats(op.X)[(o*op.N+op.Start)*op.Inner:][lo:hi])
}

// SliceBackward is dy inside the range and zero outside.
func (b *Backend) SliceBackward(op kernels.SliceGrad) {
	if op.DX.Wanted() {
		overPieces(b, op.Outer, op.N*op.Inner, op, (*Backend).sliceBackRun)
	}
}

func (b *Backend) sliceBackRun(op *kernels.SliceGrad, o, lo, hi int) {
	start, stop := op.Start*op.Inner, op.Stop*op.Inner
	row := floats(op.DX.Buf)[o*op.N*op.Inner:][:op.N*op.Inner]
	if !op.DX.Acc {
		clear(row[lo:max(lo, min(hi, start))])
		clear(row[min(hi, max(lo, stop)):hi])
	}
	if from, to := max(lo, start), min(hi, stop); from < to {
		b.giveRow(row[from:to], floats(op.DY)[o*(stop-start):][from-start:to-start], op.DX.Acc)
	}
}
