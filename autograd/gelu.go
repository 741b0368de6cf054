package autograd

import "truegrain/kernels"

// GELU is the Gaussian error linear unit x·Φ(x), exact (Hendrycks & Gimpel 2016), element by element.
//
// Shapes: any; result as x.
// Saved:  x, until backward has run.
func (t *Tape) GELU(x *Var) *Var {
	y := t.like(x, x.Shape()...)
	op := kernels.GELU{N: x.Len(), X: x.Buf, Y: y.Buf}
	return t.apply(op, y, inputs{x}, func(dy kernels.Buf) {
		t.be.GELUBackward(kernels.GELUGrad{GELU: op, DY: dy, DX: x.Grad()})
	})
}
