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
		p, g, m, v := p[lo:hi], g[lo:hi], m[lo:hi], v[lo:hi]
		for i := range p {
			d := g[i] + decay*p[i]
			mi := beta1*m[i] + rest1*d
			vi := beta2*v[i] + rest2*d*d
			m[i], v[i] = mi, vi
			p[i] = shrink*p[i] - step*mi/(float32(math.Sqrt(float64(vi*unbias)))+eps)
		}
	})
}
