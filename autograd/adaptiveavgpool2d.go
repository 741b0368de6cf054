package autograd

import "truegrain/kernels"

// AdaptiveAvgPool2D averages pictures to oh×ow; 1×1 is global average pooling (kernels.AdaptiveAvgPool2D has
// the formula).
//
// Shapes: x (B,H,W,C); result (B,oh,ow,C).
// Panics: *tensor.ShapeError if x is no picture; *kernels.ArgError for an empty result.
func (t *Tape) AdaptiveAvgPool2D(x *Var, oh, ow int) *Var {
	x.MustShape("AdaptiveAvgPool2D x", -1, -1, -1, -1)
	if oh < 1 || ow < 1 {
		panic(&kernels.ArgError{Op: "adaptiveavgpool2d", Field: "OH, OW", Reason: "must be at least 1"})
	}
	y := t.like(x, x.Dim(0), oh, ow, x.Dim(3))
	op := kernels.AdaptiveAvgPool2D{B: x.Dim(0), H: x.Dim(1), W: x.Dim(2), C: x.Dim(3), OH: oh, OW: ow,
		X: x.Buf, Y: y.Buf}
	return t.apply(op, y, inputs{x}, func(dy kernels.Buf) {
		t.be.AdaptiveAvgPool2DBackward(kernels.AdaptiveAvgPool2DGrad{AdaptiveAvgPool2D: op,
			DY: dy, DX: x.Grad()})
	})
}
