package autograd

import "truegrain/kernels"

// ReLU is max(x, 0), element by element. Its backward follows the tape's ReLU rule (WithReLURule): the
// gradient, guided backpropagation or the deconvnet.
//
// Shapes: any; result as x.
// Saved:  the result, until backward has run.
func (t *Tape) ReLU(x *Var) *Var {
	y := t.like(x, x.Shape()...)
	op := kernels.ReLU{N: x.Len(), X: x.Buf, Y: y.Buf}
	t.relus++
	return t.apply(op, y, inputs{x}, func(dy kernels.Buf) {
		t.be.ReLUBackward(kernels.ReLUGrad{ReLU: op, Rule: t.opts.rule, DY: dy, DX: x.Grad()})
	})
}
