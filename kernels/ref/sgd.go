package ref

import "truegrain/kernels"

// SGD is one step of stochastic gradient descent.
func (b *Backend[T]) SGD(o kernels.SGD) {
	p, v := b.floats(o.P), b.floats(o.V)
	for i, dp := range b.floats(o.G) {
		g := float64(dp) + o.WeightDecay*float64(p[i])
		if o.Momentum != 0 {
			if !o.First {
				g += o.Momentum * float64(v[i])
			}
			v[i] = T(g)
		}
		p[i] = T(float64(p[i]) - o.LR*g)
	}
}
