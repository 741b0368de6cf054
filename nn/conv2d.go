package nn

import (
	"math"

	"truegrain/autograd"
)

// Conv sets a convolution. Kernel, stride, padding and dilation are the same in rows and columns; the zero
// value of Stride, Dilation and Groups means 1. Weights start KaimingUniform unless Init is set; the bias
// starts uniform within 1/√fanIn, or zero if ZeroBias.
type Conv struct {
	Kernel, Stride, Padding, Dilation, Groups int
	NoBias, ZeroBias                          bool
	Init                                      Init
	// BatchNorm says that batch norm follows: in training the convolution then hands it the sums that it
	// needs.
	BatchNorm bool
}

// Conv2D is a convolution of pictures.
type Conv2D struct {
	Weight, Bias *autograd.Param // Bias may be nil
	name         string
	conf         autograd.Conv
	sums         bool
}

// NewConv2D registers weight (OC,K,K,C/G) and bias (OC).
func NewConv2D(b *Builder, in, out int, c Conv) *Conv2D {
	l := &Conv2D{name: b.Name(), conf: c.window(), sums: c.BatchNorm}
	l.Weight = b.Param("weight", autograd.ConvOIHW, c.init(), out, c.Kernel, c.Kernel, in/max(c.Groups, 1))
	l.Bias = c.bias(b, out, in/max(c.Groups, 1)*c.Kernel*c.Kernel)
	return l
}

// Forward maps (B,H,W,C) to (B,OH,OW,OC).
func (l *Conv2D) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	return run(t, l.name, func() *autograd.Var {
		conf := l.conf
		conf.Sums = l.sums && t.Training()
		return t.Conv2D(x, t.Param(l.Weight), t.Param(l.Bias), nil, conf)
	})
}

func (c Conv) window() autograd.Conv {
	two := func(v int) [2]int { return [2]int{v, v} }
	return autograd.Conv{Stride: two(max(c.Stride, 1)), Padding: two(c.Padding),
		Dilation: two(max(c.Dilation, 1)), Groups: max(c.Groups, 1)}
}

func (c Conv) init() Init {
	if c.Init != nil {
		return c.Init
	}
	return KaimingUniform
}

// bias registers the bias, if there is one, for units with fan inputs.
func (c Conv) bias(b *Builder, out, fan int) *autograd.Param {
	switch {
	case c.NoBias:
		return nil
	case c.ZeroBias:
		return b.Param("bias", autograd.Plain, Zeros, out)
	}
	return b.Param("bias", autograd.Plain, Uniform(1/math.Sqrt(float64(fan))), out)
}
