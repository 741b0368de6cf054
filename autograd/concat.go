package autograd

import (
	"slices"

	"truegrain/kernels"
	"truegrain/tensor"
)

// Concat joins values along one axis (negative counts from the last).
//
// Shapes: all the same but for that axis.
// Panics: *tensor.ShapeError if they are not, or if there is no value.
func (t *Tape) Concat(axis int, xs ...*Var) *Var {
	if len(xs) == 0 {
		panic(&tensor.ShapeError{Op: "Concat of nothing"})
	}
	shape := slices.Clone(xs[0].Shape())
	axis = axisOf(xs[0], axis)
	want := slices.Clone(shape)
	want[axis] = -1
	op := kernels.Concat{Outer: shape[:axis].Len(), Inner: shape[axis+1:].Len()}
	shape[axis] = 0
	for _, x := range xs {
		x.MustShape("Concat", want...)
		op.N, op.X = append(op.N, x.Dim(axis)), append(op.X, x.Buf)
		shape[axis] += x.Dim(axis)
	}
	y := t.like(xs[0], shape...)
	op.Y = y.Buf
	return t.apply(op, y, xs, func(dy kernels.Buf) {
		g := kernels.ConcatGrad{Concat: op, DY: dy}
		for _, x := range xs {
			g.DX = append(g.DX, x.Grad())
		}
		t.be.ConcatBackward(g)
	})
}

// axisOf is axis as a number from 0; it panics with *tensor.ShapeError if x has no such axis.
func axisOf(x *Var, axis int) int {
	x.Dim(axis)
	if axis < 0 {
		axis += x.Rank()
	}
	return axis
}
