package nn

import "truegrain/autograd"

// ConvTranspose2D is a transposed convolution, which enlarges pictures by its stride.
type ConvTranspose2D struct {
	Weight, Bias *autograd.Param // Bias may be nil
	name         string
	conf         autograd.Conv
}

// NewConvTranspose2D registers weight (C,K,K,OC/G) and bias (OC).
func NewConvTranspose2D(b *Builder, in, out int, c Conv) *ConvTranspose2D {
	l := &ConvTranspose2D{name: b.Name(), conf: c.window()}
	each := out / max(c.Groups, 1)
	l.Weight = b.Param("weight", autograd.ConvTransposeIOHW, c.init(), in, c.Kernel, c.Kernel, each)
	l.Bias = c.bias(b, out, each*c.Kernel*c.Kernel)
	return l
}

// Forward maps (B,H,W,C) to (B,OH,OW,OC).
func (l *ConvTranspose2D) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	return run(t, l.name, func() *autograd.Var {
		return t.ConvTranspose2D(x, t.Param(l.Weight), t.Param(l.Bias), nil, l.conf)
	})
}
