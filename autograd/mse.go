package autograd

import "truegrain/kernels"

// MSE is the mean squared error 1/N·Σ (x − target)².
//
// Shapes: x and target the same; result (1). The target is a constant.
// Saved:  x and target, until backward has run.
// Panics: *tensor.ShapeError if they differ.
func (t *Tape) MSE(x, target *Var) *Var {
	target.MustShape("MSE target", x.Shape()...)
	y := t.Alloc(1)
	op := kernels.MSE{N: x.Len(), X: x.Buf, T: target.Buf, Y: y.Buf}
	return t.apply(op, y, inputs{x, target}, func(dy kernels.Buf) {
		t.be.MSEBackward(kernels.MSEGrad{MSE: op, DY: dy, DX: x.Grad()})
	})
}
