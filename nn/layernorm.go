package nn

import "truegrain/autograd"

// LayerNorm normalises the last axis.
type LayerNorm struct {
	Weight, Bias *autograd.Param
	name         string
	eps          float64
}

// NewLayerNorm registers weight and bias (D): 1 and 0.
func NewLayerNorm(b *Builder, d int, eps float64) *LayerNorm {
	return &LayerNorm{name: b.Name(), eps: eps, Weight: b.Param("weight", autograd.Plain, Ones, d),
		Bias: b.Param("bias", autograd.Plain, Zeros, d)}
}

// Forward normalises x (..., D).
func (l *LayerNorm) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	return run(t, l.name, func() *autograd.Var {
		return t.LayerNorm(x, t.Param(l.Weight), t.Param(l.Bias), l.eps)
	})
}
