package cpu

import (
	"math"

	"truegrain/kernels"
)

// Adam is one step of Adam or AdamW, in one pass over parameter, gradient and both moments.
func (b *Backend) Adam(op kernels.Adam) {
	p, g, m, v := floats(op.P), floats(op.G), floats(op.M), floats(op.V)
	beta1, beta2 := float32(op.Beta1), float32(op.Beta2)
	rest1, rest2 := float32(1-op.Beta1), float32(1-op.Beta2)
	step := float32(op.LR / (1 - math.Pow(op.Beta1, float64(op.Step))))
	unbias := float32(1 / (1 - math.Pow(op.Beta2, float64(op.Step))))
	eps, decay, shrink := float32(op.Eps), float32(op.WeightDecay), float32(1)
	if op.Decoupled {
		decay, shrink = 0, float32(1-op.LR*op.WeightDecay)
	}
	b.elements(op.N, func(lo, hi int) {
		b.level.stream.adam(p[lo:hi], g[lo:hi], m[lo:hi], v[lo:hi],
			beta1, rest1, beta2, rest2, step, unbias, eps, decay, shrink, 0)
	})
}

// adamGo keeps products and sums apart: each rounds once, on every processor.
func adamGo(
	p, g, m, v []float32, beta1, rest1, beta2, rest2, step, unbias, eps, decay, shrink float32, _ int,
) {
	g, m, v = g[:len(p)], m[:len(p)], v[:len(p)]
	for i := range p {
		d := g[i] + float32(decay*p[i])
		m[i] = float32(beta1*m[i]) + float32(rest1*d)
		v[i] = float32(beta2*v[i]) + float32(float32(rest2*d)*d)
		root := float32(math.Sqrt(float64(float32(v[i] * unbias))))
		p[i] = float32(shrink*p[i]) - float32(step*m[i])/(root+eps)
	}
}
