package autograd

import (
	"fmt"
	"slices"

	"truegrain/kernels"
	"truegrain/tensor"
)

// Slice is elements start..stop−1 along one axis (negative counts from the last), as a copy.
//
// Panics: *tensor.ShapeError if the range is not inside.
func (t *Tape) Slice(x *Var, axis, start, stop int) *Var {
	axis = axisOf(x, axis)
	shape := slices.Clone(x.Shape())
	n := shape[axis]
	if start < 0 || stop < start || stop > n {
		panic(&tensor.ShapeError{Op: fmt.Sprintf("Slice %d..%d along axis %d", start, stop, axis),
			Got: shape})
	}
	shape[axis] = stop - start
	y := t.like(x, shape...)
	op := kernels.Slice{Outer: shape[:axis].Len(), N: n, Inner: shape[axis+1:].Len(),
		Start: start, Stop: stop, X: x.Buf, Y: y.Buf}
	return t.apply(op, y, inputs{x}, func(dy kernels.Buf) {
		t.be.SliceBackward(kernels.SliceGrad{Slice: op, DY: dy, DX: x.Grad()})
	})
}
