package cpu

import "truegrain/kernels"

// SGD is one step, in one pass over parameter, gradient and velocity.
func (b *Backend) SGD(op kernels.SGD) {
	p, g, v := floats(op.P), floats(op.G), floats(op.V)
	lr, momentum, decay := float32(op.LR), float32(op.Momentum), float32(op.WeightDecay)
	b.elements(op.N, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			d := g[i] + decay*p[i]
			if momentum != 0 {
				if !op.First {
					d += momentum * v[i]
				}
				v[i] = d
			}
			p[i] -= lr * d
		}
	})
}
