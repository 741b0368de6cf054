package autograd

import "truegrain/kernels"

// Add is the element-wise sum a + b.
//
// Shapes: a and b the same; result as they.
// Panics: *tensor.ShapeError if they differ.
func (t *Tape) Add(a, b *Var) *Var {
	b.MustShape("Add", a.Shape()...)
	y := t.like(a, a.Shape()...)
	op := kernels.Add{N: a.Len(), A: a.Buf, B: b.Buf, Y: y.Buf}
	return t.apply(op, y, inputs{a, b}, func(dy kernels.Buf) {
		t.be.AddBackward(kernels.AddGrad{Add: op, DY: dy, DA: a.Grad(), DB: b.Grad()})
	})
}
