package autograd

import "truegrain/kernels"

// Mul is the element-wise product a·b.
//
// Shapes: a and b the same; result as they.
// Panics: *tensor.ShapeError if they differ.
func (t *Tape) Mul(a, b *Var) *Var {
	b.MustShape("Mul", a.Shape()...)
	y := t.like(a, a.Shape()...)
	op := kernels.Mul{N: a.Len(), A: a.Buf, B: b.Buf, Y: y.Buf}
	return t.apply(op, y, inputs{a, b}, func(dy kernels.Buf) {
		t.be.MulBackward(kernels.MulGrad{Mul: op, DY: dy, DA: a.Grad(), DB: b.Grad()})
	})
}
