package models

import (
	"math"

	"truegrain/kernels"
)

// fuse merges each step into the one that reads its result, wherever a rule knows how and nothing else reads
// it. The merged op stands where the reader stood, when all its operands are there.
func (g *graph) fuse(be kernels.Backend) error {
	for i := 0; i < len(g.steps); i++ {
		for j := 0; j < i; j++ {
			p, q := g.steps[j], g.steps[i]
			if !g.reads(q, p.out) || !g.onlyReader(p.out) {
				continue
			}
			op, ok, err := g.merge(be, p, q)
			if err != nil {
				return err
			}
			if ok {
				g.steps[i].op = op
				g.steps = append(g.steps[:j], g.steps[j+1:]...)
				i--
				j = -1 // the merged op may merge with what made its other operands
			}
		}
	}
	return nil
}

func (g *graph) reads(q step, out kernels.Buf) bool {
	for _, b := range g.values(q.op) {
		if b.Addr() == out.Addr() && b.Len() == out.Len() && b.Addr() != q.out.Addr() {
			return true
		}
	}
	return false
}

// merge is q computed together with p, whose result it alone reads.
func (g *graph) merge(be kernels.Backend, p, q step) (op kernels.Op, ok bool, err error) {
	e := epilogueOf(p.op)
	if e == nil || *e.act != kernels.NoActivation {
		return nil, false, nil
	}
	switch q := q.op.(type) {
	case kernels.ReLU:
		*e.act, *e.y = kernels.WithReLU, q.Y
	case kernels.GELU:
		*e.act, *e.y = kernels.WithGELU, q.Y
	case kernels.Add:
		other := q.A
		if other.Addr() == p.out.Addr() {
			other = q.B
		}
		if !e.residual.IsZero() {
			return nil, false, nil
		}
		*e.residual, *e.y = other, q.Y
	case kernels.BatchNorm:
		if e.conv == nil || q.Train || q.X.Addr() != p.out.Addr() || !e.residual.IsZero() {
			return nil, false, nil
		}
		if err := g.fold(be, e.conv, q); err != nil {
			return nil, false, err
		}
	default:
		return nil, false, nil
	}
	return e.value(), true, nil
}

// epilogue is a copy of an op that can end in an activation and a residual, with pointers to what it ends in.
type epilogue struct {
	act         *kernels.Activation
	residual, y *kernels.Buf
	conv        *kernels.Conv2D   // if it is one
	value       func() kernels.Op // the copy as it then is
}

// epilogueOf is nil for an op of another kind.
func epilogueOf(op kernels.Op) *epilogue {
	switch o := op.(type) {
	case kernels.Conv2D:
		return &epilogue{&o.Act, &o.Residual, &o.Y, &o, func() kernels.Op { return o }}
	case kernels.ConvTranspose2D:
		return &epilogue{&o.Act, &o.Residual, &o.Y, nil, func() kernels.Op { return o }}
	case kernels.Linear:
		return &epilogue{&o.Act, &o.Residual, &o.Y, nil, func() kernels.Op { return o }}
	}
	return nil
}

// fold puts a batch norm with running statistics into the weights and the bias of the convolution before, in
// float64:
//
//	s[o] = gamma[o]/√(var[o] + eps)
//	weight'[o,...] = s[o]·weight[o,...],  bias'[o] = s[o]·(bias[o] − mean[o]) + beta[o]
func (g *graph) fold(be kernels.Backend, c *kernels.Conv2D, n kernels.BatchNorm) error {
	read := func(b kernels.Buf) []float64 {
		v := make([]float64, b.Len())
		be.Download(kernels.Of(v), b)
		return v
	}
	weight, bias := read(c.Weight), make([]float64, c.OC)
	if !c.Bias.IsZero() {
		bias = read(c.Bias)
	}
	gamma, beta, mean, variance := read(n.Gamma), read(n.Beta), read(n.RunningMean), read(n.RunningVar)
	each := len(weight) / c.OC
	for o := range c.OC {
		s := gamma[o] / math.Sqrt(variance[o]+n.Eps)
		bias[o] = s*(bias[o]-mean[o]) + beta[o]
		for i := range each {
			weight[o*each+i] *= s
		}
	}
	for _, w := range []struct {
		to   *kernels.Buf
		from []float64
	}{{&c.Weight, weight}, {&c.Bias, bias}} {
		buf, err := be.Alloc(be.DType(), len(w.from))
		if err != nil {
			return err
		}
		be.Upload(buf, kernels.Of(w.from))
		g.folded, g.fixed[buf.Addr()], *w.to = append(g.folded, buf), true, buf
	}
	c.Residual, c.Y = n.Residual, n.Y
	if n.ReLU {
		c.Act = kernels.WithReLU
	}
	return nil
}
