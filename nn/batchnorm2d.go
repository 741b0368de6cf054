package nn

import "truegrain/autograd"

// BatchNorm2D is batch normalisation of each channel, with the ReLU behind it in the same pass if asked.
type BatchNorm2D struct {
	Weight, Bias            *autograd.Param
	RunningMean, RunningVar *autograd.Param
	name                    string
	relu                    bool
}

// NewBatchNorm2D registers weight, bias, running_mean and running_var (C each): 1, 0, 0, 1. Epsilon is 1e−5
// and the running statistics' momentum 0.1, as in PyTorch.
func NewBatchNorm2D(b *Builder, channels int) *BatchNorm2D {
	return &BatchNorm2D{name: b.Name(),
		Weight:      b.Param("weight", autograd.Plain, Ones, channels),
		Bias:        b.Param("bias", autograd.Plain, Zeros, channels),
		RunningMean: b.Buffer("running_mean", Zeros, channels),
		RunningVar:  b.Buffer("running_var", Ones, channels)}
}

// WithReLU makes the layer rectify its result. It returns the layer.
func (l *BatchNorm2D) WithReLU() *BatchNorm2D {
	l.relu = true
	return l
}

// Forward normalises x.
func (l *BatchNorm2D) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	return l.ForwardAdd(t, x, nil)
}

// ForwardAdd adds a residual of x's shape before the ReLU; nil is none.
func (l *BatchNorm2D) ForwardAdd(t *autograd.Tape, x, residual *autograd.Var) *autograd.Var {
	return run(t, l.name, func() *autograd.Var {
		return t.BatchNorm(x, t.Param(l.Weight), t.Param(l.Bias), residual, autograd.BatchNorm{
			RunningMean: l.RunningMean, RunningVar: l.RunningVar, Eps: 1e-5, Momentum: 0.1, ReLU: l.relu})
	})
}
