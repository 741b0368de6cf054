package autograd

import "truegrain/kernels"

// BCELogits is the mean binary cross entropy of logits; kernels.BCELogits has the formula.
//
// Shapes: x and target the same; result (1). The target is a constant.
// Saved:  x and target, until backward has run.
// Panics: *tensor.ShapeError if they differ.
func (t *Tape) BCELogits(x, target *Var) *Var {
	target.MustShape("BCELogits target", x.Shape()...)
	y := t.Alloc(1)
	op := kernels.BCELogits{N: x.Len(), X: x.Buf, T: target.Buf, Y: y.Buf}
	return t.apply(op, y, inputs{x, target}, func(dy kernels.Buf) {
		t.be.BCELogitsBackward(kernels.BCELogitsGrad{BCELogits: op, DY: dy, DX: x.Grad()})
	})
}
