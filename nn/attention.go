package nn

import (
	"truegrain/autograd"
	"truegrain/kernels"
)

// MultiHeadAttention is self-attention with its projections (Vaswani et al. 2017), PyTorch's
// nn.MultiheadAttention: one linear layer writes queries, keys and values, another mixes the heads' results.
type MultiHeadAttention struct {
	InWeight, InBias *autograd.Param
	Out              *Linear
	Heads            int
	name             string
}

// NewMultiHeadAttention registers in_proj_weight (3D,D), in_proj_bias (3D) and out_proj: XavierUniform, 0,
// KaimingUniform and 0.
//
// Panics: *kernels.ArgError if the heads do not divide d.
func NewMultiHeadAttention(b *Builder, d, heads int) *MultiHeadAttention {
	if heads < 1 || d%heads != 0 {
		panic(&kernels.ArgError{Op: "nn.MultiHeadAttention", Field: "heads", Reason: "must divide the width"})
	}
	return &MultiHeadAttention{Heads: heads, name: b.Name(),
		InWeight: b.Param("in_proj_weight", autograd.Plain, XavierUniform, 3*d, d),
		InBias:   b.Param("in_proj_bias", autograd.Plain, Zeros, 3*d),
		Out:      NewLinearInit(b.In("out_proj"), d, d, KaimingUniform, Zeros)}
}

// ForwardAdd maps tokens x (B,T,D) to (B,T,D) and adds a residual; nil is none. The attention probabilities
// (B,NH,T,T) can be tapped under the layer's name with ".attention".
func (l *MultiHeadAttention) ForwardAdd(t *autograd.Tape, x, residual *autograd.Var) *autograd.Var {
	return run(t, l.name, func() *autograd.Var {
		b, n, d := x.Dim(0), x.Dim(1), x.Dim(2)
		qkv := t.Linear(x, t.Param(l.InWeight), t.Param(l.InBias), nil, kernels.NoActivation)
		y := t.Attention(t.Reshape(qkv, b, n, 3, l.Heads, d/l.Heads))
		return l.Out.ForwardAdd(t, y, residual)
	})
}

// Forward is ForwardAdd without a residual.
func (l *MultiHeadAttention) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	return l.ForwardAdd(t, x, nil)
}
