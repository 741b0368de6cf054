package autograd

import "truegrain/kernels"

// AvgPool2D averages each window, channel by channel; padding counts as zeros, as in PyTorch
// (kernels.AvgPool2D has the formula).
//
// Shapes: x (B,H,W,C); result (B,OH,OW,C). The dilation is 1.
// Panics: *tensor.ShapeError if x is no picture; *kernels.ArgError for a window that makes no sense.
func (t *Tape) AvgPool2D(x *Var, p Pooling) *Var {
	x.MustShape("AvgPool2D x", -1, -1, -1, -1)
	win, oh, ow := p.out("avgpool2d", x.Dim(1), x.Dim(2))
	if win.DilH != 1 || win.DilW != 1 {
		panic(&kernels.ArgError{Op: "avgpool2d", Field: "Dilation", Reason: "must be 1"})
	}
	op := kernels.AvgPool2D{Window: win, B: x.Dim(0), H: x.Dim(1), W: x.Dim(2), C: x.Dim(3),
		OH: oh, OW: ow, X: x.Buf}
	y := t.like(x, op.B, oh, ow, op.C)
	op.Y = y.Buf
	return t.apply(op, y, inputs{x}, func(dy kernels.Buf) {
		t.be.AvgPool2DBackward(kernels.AvgPool2DGrad{AvgPool2D: op, DY: dy, DX: x.Grad()})
	})
}
