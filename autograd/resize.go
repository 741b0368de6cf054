package autograd

import "truegrain/kernels"

// Resize is bilinear interpolation to oh×ow, pixel centres at half integers (PyTorch's align_corners=false;
// kernels.Resize has the formula).
//
// Shapes: x (B,H,W,C); result (B,oh,ow,C).
// Panics: *tensor.ShapeError if x is no picture; *kernels.ArgError if a side of either has no pixel.
func (t *Tape) Resize(x *Var, oh, ow int) *Var {
	x.MustShape("Resize x", -1, -1, -1, -1)
	op := kernels.Resize{B: x.Dim(0), H: x.Dim(1), W: x.Dim(2), C: x.Dim(3), OH: oh, OW: ow, X: x.Buf}
	if min(op.H, op.W, oh, ow) < 1 {
		panic(&kernels.ArgError{Op: "resize", Field: "OH, OW",
			Reason: "pictures must have at least one pixel on both sides"})
	}
	y := t.like(x, op.B, oh, ow, op.C)
	op.Y = y.Buf
	return t.apply(op, y, inputs{x}, func(dy kernels.Buf) {
		t.be.ResizeBackward(kernels.ResizeGrad{Resize: op, DY: dy, DX: x.Grad()})
	})
}
