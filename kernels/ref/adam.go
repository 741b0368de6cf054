package ref

import (
	"math"

	"truegrain/kernels"
)

// Adam is one step of Adam or AdamW.
func (b *Backend[T]) Adam(o kernels.Adam) {
	p, m, v := b.floats(o.P), b.floats(o.M), b.floats(o.V)
	c1, c2 := 1-math.Pow(o.Beta1, float64(o.Step)), 1-math.Pow(o.Beta2, float64(o.Step))
	for i, dp := range b.floats(o.G) {
		g, x := float64(dp), float64(p[i])
		if o.Decoupled {
			x -= o.LR * o.WeightDecay * x
		} else {
			g += o.WeightDecay * x
		}
		m1 := o.Beta1*float64(m[i]) + (1-o.Beta1)*g
		v1 := o.Beta2*float64(v[i]) + (1-o.Beta2)*g*g
		m[i], v[i] = T(m1), T(v1)
		p[i] = T(x - o.LR/c1*m1/(math.Sqrt(v1/c2)+o.Eps))
	}
}
