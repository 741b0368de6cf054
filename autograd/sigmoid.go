package autograd

import "truegrain/kernels"

// Sigmoid is the logistic function 1/(1 + e^−x), element by element.
//
// Shapes: any; result as x.
// Saved:  the result, until backward has run.
func (t *Tape) Sigmoid(x *Var) *Var {
	y := t.like(x, x.Shape()...)
	op := kernels.Sigmoid{N: x.Len(), X: x.Buf, Y: y.Buf}
	return t.apply(op, y, inputs{x}, func(dy kernels.Buf) {
		t.be.SigmoidBackward(kernels.SigmoidGrad{Sigmoid: op, DY: dy, DX: x.Grad()})
	})
}
