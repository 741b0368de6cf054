package cpu

import "truegrain/kernels"

// innerRows calls f for every row of the small pictures: where it starts there, where in the padded ones, its
// length.
func (b *Backend) innerRows(op kernels.Pad, f func(small, padded, n int)) {
	n, wide := op.W*op.C, (op.Left+op.W+op.Right)*op.C
	high := op.Top + op.H + op.Bottom
	b.parallel(op.B*op.H, rowGrain(n), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			f(r*n, (r/op.H*high+op.Top+r%op.H)*wide+op.Left*op.C, n)
		}
	})
}

// Pad surrounds pictures with zeros.
func (b *Backend) Pad(op kernels.Pad) {
	x, y := floats(op.X), floats(op.Y)
	b.Fill(op.Y, 0)
	b.innerRows(op, func(small, padded, n int) { copy(y[padded:][:n], x[small:][:n]) })
}

// PadBackward is the inner part of dy.
func (b *Backend) PadBackward(op kernels.PadGrad) {
	if !op.DX.Wanted() {
		return
	}
	dy, dx := floats(op.DY), floats(op.DX.Buf)
	b.innerRows(op.Pad, func(small, padded, n int) { giveRow(dx[small:][:n], dy[padded:][:n], op.DX.Acc) })
}
