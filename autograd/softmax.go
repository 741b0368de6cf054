package autograd

import "truegrain/kernels"

// Softmax is the normalised exponential of the last axis:
//
//	y[r,d] = exp(x[r,d]) / Σ_d exp(x[r,d])
//
// Shapes: x (..., D); result as x.
// Saved:  the result, until backward has run.
func (t *Tape) Softmax(x *Var) *Var {
	y := t.like(x, x.Shape()...)
	d := x.Dim(-1)
	op := kernels.Softmax{R: rows(x, d), D: d, X: x.Buf, Y: y.Buf}
	return t.apply(op, y, inputs{x}, func(dy kernels.Buf) {
		t.be.SoftmaxBackward(kernels.SoftmaxGrad{Softmax: op, DY: dy, DX: x.Grad()})
	})
}
