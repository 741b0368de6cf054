package autograd

import "truegrain/kernels"

// BCE is the mean binary cross entropy of probabilities; kernels.BCE has the formula.
//
// Shapes: p and target the same; result (1). The target is a constant.
// Saved:  p and target, until backward has run.
// Panics: *tensor.ShapeError if they differ.
func (t *Tape) BCE(p, target *Var) *Var {
	target.MustShape("BCE target", p.Shape()...)
	y := t.Alloc(1)
	op := kernels.BCE{N: p.Len(), P: p.Buf, T: target.Buf, Y: y.Buf}
	return t.apply(op, y, inputs{p, target}, func(dy kernels.Buf) {
		t.be.BCEBackward(kernels.BCEGrad{BCE: op, DY: dy, DP: p.Grad()})
	})
}
