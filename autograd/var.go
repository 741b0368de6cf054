package autograd

import (
	"truegrain/kernels"
	"truegrain/tensor"
)

// Var is a value on a tape: a tensor, who made it, and the gradient that is gathering for it.
type Var struct {
	tensor.Tensor
	tape  *Tape
	mem   *memory // shared with views; nil for memory that the tape does not own
	param *Param
	wants bool // a gradient must reach it

	grad    *memory
	arrived bool    // the first gradient has been written
	keep    bool    // the gradient outlives the backward pass
	sums    *memory // per-channel Σ and Σ², if the op that made the value wrote them
}

// WantsGrad says that a gradient will reach this value in Backward.
func (v *Var) WantsGrad() bool { return v.wants }

// Grad hands out where this value's gradient goes, for the kernel that computes it, and counts the gradient
// as arrived. The zero Grad means that nobody wants it, or that memory has run out. Only backward closures
// call it.
func (v *Var) Grad() kernels.Grad {
	if v == nil || !v.wants {
		return kernels.Grad{}
	}
	if v.param != nil {
		g, err := v.param.target()
		v.tape.fail(err)
		v.arrived = true
		return g
	}
	if v.grad == nil {
		m := v.tape.take(v.Buf.DType(), v.Len())
		if m.lost {
			return kernels.Grad{}
		}
		v.grad = m
	}
	g := kernels.Grad{Buf: v.grad.whole.Slice(0, v.Len()), Acc: v.arrived}
	v.arrived = true
	return g
}

// Gradient is the gradient that Backward left here, for an Input or a tapped value; the zero Tensor if none
// has arrived. It is valid until the tape's Reset.
func (v *Var) Gradient() tensor.Tensor {
	switch {
	case v.param != nil:
		return v.param.Grad()
	case v.grad == nil || !v.arrived:
		return tensor.Tensor{}
	}
	return tensor.New(v.grad.whole.Slice(0, v.Len()), v.Shape()...)
}

// Values copies the elements to host memory as float32. It returns the tape's error if work was skipped.
func (v *Var) Values() ([]float32, error) {
	if err := v.tape.Err(); err != nil {
		return nil, err
	}
	return v.Float32s(v.tape.be), nil
}

// Scalar is the one element of a loss.
func (v *Var) Scalar() (float64, error) {
	v.MustShape("Scalar", 1)
	if err := v.tape.Err(); err != nil {
		return 0, err
	}
	return v.Float64s(v.tape.be)[0], nil
}

// buf is the buffer of an operand that may be absent.
func (v *Var) buf() kernels.Buf {
	if v == nil {
		return kernels.Buf{}
	}
	return v.Buf
}
