package cpu

import "truegrain/kernels"

// SGD is one step, in one pass over parameter, gradient and velocity.
func (b *Backend) SGD(op kernels.SGD) {
	p, g, v := floats(op.P), floats(op.G), floats(op.V)
	lr, momentum, decay := float32(op.LR), float32(op.Momentum), float32(op.WeightDecay)
	b.elements(op.N, func(lo, hi int) {
		if momentum == 0 {
			b.level.stream.sgd(p[lo:hi], g[lo:hi], lr, decay, 0)
			return
		}
		if op.First {
			clear(v[lo:hi])
		}
		b.level.stream.momentum(p[lo:hi], g[lo:hi], v[lo:hi], lr, momentum, decay, 0)
	})
}

// Conversions below keep products and sums apart: each rounds once, on every processor.

func sgdGo(p, g []float32, lr, decay float32, _ int) {
	g = g[:len(p)]
	for i := range p {
		d := g[i] + float32(decay*p[i])
		p[i] -= float32(lr * d)
	}
}

func momentumGo(p, g, v []float32, lr, momentum, decay float32, _ int) {
	g, v = g[:len(p)], v[:len(p)]
	for i := range p {
		d := g[i] + float32(decay*p[i]) + float32(momentum*v[i])
		v[i] = d
		p[i] -= float32(lr * d)
	}
}
