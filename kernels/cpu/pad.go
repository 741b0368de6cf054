package cpu

import "truegrain/kernels"

// Pad surrounds pictures with zeros.
func (b *Backend) Pad(op kernels.Pad) {
	over(b, op.B*(op.Top+op.H+op.Bottom), rowGrain((op.Left+op.W+op.Right)*op.C), op, (*Backend).padRows)
}

// padRows writes the rows lo..hi-1 of all padded pictures.
func (b *Backend) padRows(op *kernels.Pad, lo, hi int) {
	x, y, n, left := floats(op.X), floats(op.Y), op.W*op.C, op.Left*op.C
	wide, high := n+left+op.Right*op.C, op.Top+op.H+op.Bottom
	for r := lo; r < hi; r++ {
		row := y[r*wide:][:wide]
		if i := r%high - op.Top; i >= 0 && i < op.H {
			clear(row[:left])
			copy(row[left:], x[(r/high*op.H+i)*n:][:n])
			clear(row[left+n:])
		} else {
			clear(row)
		}
	}
}

// PadBackward is the inner part of dy.
func (b *Backend) PadBackward(op kernels.PadGrad) {
	if !op.DX.Wanted() {
		return
	}
	dy, dx, n := floats(op.DY), floats(op.DX.Buf), op.W*op.C
	wide, high := (op.Left+op.W+op.Right)*op.C, op.Top+op.H+op.Bottom
	b.parallel(op.B*op.H, rowGrain(n), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			from := (r/op.H*high+op.Top+r%op.H)*wide + op.Left*op.C
			b.giveRow(dx[r*n:][:n], dy[from:][:n], op.DX.Acc)
		}
	})
}
