package autograd

import (
	"fmt"

	"truegrain/kernels"
	"truegrain/tensor"
)

// Pad surrounds pictures with zeros.
//
// Shapes: x (B,H,W,C); result (B, top+H+bottom, left+W+right, C).
// Panics: *tensor.ShapeError if x is no picture or a margin is negative.
func (t *Tape) Pad(x *Var, top, bottom, left, right int) *Var {
	x.MustShape("Pad x", -1, -1, -1, -1)
	if min(top, bottom, left, right) < 0 {
		panic(&tensor.ShapeError{Op: fmt.Sprintf("Pad by %d, %d, %d, %d", top, bottom, left, right),
			Got: x.Shape()})
	}
	op := kernels.Pad{B: x.Dim(0), H: x.Dim(1), W: x.Dim(2), C: x.Dim(3), Top: top, Bottom: bottom,
		Left: left, Right: right, X: x.Buf}
	y := t.like(x, op.B, top+op.H+bottom, left+op.W+right, op.C)
	op.Y = y.Buf
	return t.apply(op, y, inputs{x}, func(dy kernels.Buf) {
		t.be.PadBackward(kernels.PadGrad{Pad: op, DY: dy, DX: x.Grad()})
	})
}
