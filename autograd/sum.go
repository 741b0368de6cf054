package autograd

import (
	"slices"

	"truegrain/kernels"
)

// Sum adds all elements: y = Σ x. The result has shape (1).
func (t *Tape) Sum(x *Var) *Var {
	return t.sum(x, kernels.Sum{Outer: 1, N: x.Len(), Inner: 1, Scale: 1}, []int{1})
}

// Mean averages all elements: y = 1/N·Σ x. The result has shape (1); the mean of nothing is 0.
func (t *Tape) Mean(x *Var) *Var {
	return t.sum(x, kernels.Sum{Outer: 1, N: x.Len(), Inner: 1, Scale: 1 / float64(max(1, x.Len()))},
		[]int{1})
}

// SumAxis adds along one axis (negative counts from the last), which the result does not have.
func (t *Tape) SumAxis(x *Var, axis int) *Var { return t.sumAxis(x, axisOf(x, axis), 1) }

// MeanAxis averages along one axis (negative counts from the last), which the result does not have.
func (t *Tape) MeanAxis(x *Var, axis int) *Var {
	return t.sumAxis(x, axisOf(x, axis), 1/float64(max(1, x.Dim(axis))))
}

func (t *Tape) sumAxis(x *Var, axis int, scale float64) *Var {
	shape := x.Shape()
	op := kernels.Sum{Outer: shape[:axis].Len(), N: shape[axis], Inner: shape[axis+1:].Len(), Scale: scale}
	return t.sum(x, op, slices.Concat(shape[:axis], shape[axis+1:]))
}

func (t *Tape) sum(x *Var, op kernels.Sum, shape []int) *Var {
	y := t.like(x, shape...)
	op.X, op.Y = x.Buf, y.Buf
	return t.apply(op, y, inputs{x}, func(dy kernels.Buf) {
		t.be.SumBackward(kernels.SumGrad{Sum: op, DY: dy, DX: x.Grad()})
	})
}
