//go:build cuda || emu

package cuda

import "truegrain/kernels"

// Pad surrounds pictures with zeros.
func (d *Device) Pad(o kernels.Pad) {
	d.Fill(o.Y, 0)
	inner, framed := frames(o)
	d.copyRows(padRows, o.Y, framed, o.X, inner, o.B, o.H, o.W*o.C, false)
}

// PadBackward is the inner part of dy.
func (d *Device) PadBackward(o kernels.PadGrad) {
	if o.DX.Wanted() {
		inner, framed := frames(o.Pad)
		d.copyRows(padRows, o.DX.Buf, inner, o.DY, framed, o.B, o.H, o.W*o.C, o.DX.Acc)
	}
}

// frames is where the rows of the pictures lie without their frame and within it.
func frames(o kernels.Pad) (inner, framed rows) {
	row := (o.Left + o.W + o.Right) * o.C
	return rows{0, o.H * o.W * o.C, o.W * o.C},
		rows{o.Top*row + o.Left*o.C, (o.Top + o.H + o.Bottom) * row, row}
}
