package autograd

import "truegrain/kernels"

// Scale multiplies by a number: alpha·x.
//
// Shapes: any; result as x.
func (t *Tape) Scale(x *Var, alpha float64) *Var {
	y := t.like(x, x.Shape()...)
	op := kernels.Scale{N: x.Len(), Alpha: alpha, X: x.Buf, Y: y.Buf}
	return t.apply(op, y, inputs{x}, func(dy kernels.Buf) {
		t.be.ScaleBackward(kernels.ScaleGrad{Scale: op, DY: dy, DX: x.Grad()})
	})
}
