package nn

import (
	"math"

	"truegrain/autograd"
	"truegrain/kernels"
)

// Linear is an affine map of the last axis.
type Linear struct {
	Weight, Bias *autograd.Param
	name         string
}

// NewLinear registers weight (OD,D) and bias (OD) with PyTorch's default values: both uniform within 1/√D.
func NewLinear(b *Builder, in, out int) *Linear {
	return NewLinearInit(b, in, out, KaimingUniform, Uniform(1/math.Sqrt(float64(in))))
}

// NewLinearInit is NewLinear with other initial values.
func NewLinearInit(b *Builder, in, out int, weight, bias Init) *Linear {
	return &Linear{name: b.Name(), Weight: b.Param("weight", autograd.Plain, weight, out, in),
		Bias: b.Param("bias", autograd.Plain, bias, out)}
}

// Forward maps (..., D) to (..., OD).
func (l *Linear) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	return l.ForwardAdd(t, x, nil)
}

// ForwardAdd adds a residual of the result's shape on the way out; nil is none.
func (l *Linear) ForwardAdd(t *autograd.Tape, x, residual *autograd.Var) *autograd.Var {
	return run(t, l.name, func() *autograd.Var {
		return t.Linear(x, t.Param(l.Weight), t.Param(l.Bias), residual, kernels.NoActivation)
	})
}
