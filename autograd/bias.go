package autograd

import (
	"truegrain/kernels"
	"truegrain/tensor"
)

// Bias adds b to every part of x that has its shape: a row to every pixel, a position embedding to every
// picture.
//
// Shapes: b has the last axes of x; result as x.
// Panics: *tensor.ShapeError if it has not.
func (t *Tape) Bias(x, b *Var) *Var {
	if b.Rank() > x.Rank() {
		panic(&tensor.ShapeError{Op: "Bias", Got: b.Shape(), Want: x.Shape()})
	}
	b.MustShape("Bias", x.Shape()[x.Rank()-b.Rank():]...)
	y := t.like(x, x.Shape()...)
	op := kernels.Bias{R: rows(x, b.Len()), C: b.Len(), X: x.Buf, Bias: b.Buf, Y: y.Buf}
	return t.apply(op, y, inputs{x, b}, func(dy kernels.Buf) {
		t.be.BiasBackward(kernels.BiasGrad{Bias: op, DY: dy, DX: x.Grad(), DBias: b.Grad()})
	})
}
