package cpu

import "truegrain/kernels"

// Add is a + b.
func (b *Backend) Add(op kernels.Add) {
	x, z, y := floats(op.A), floats(op.B), floats(op.Y)
	b.elements(op.N, func(lo, hi int) {
		u, v, w := x[lo:hi], z[lo:hi], y[lo:hi]
		for i := range w {
			w[i] = u[i] + v[i]
		}
	})
}

// AddBackward is da = dy, db = dy.
func (b *Backend) AddBackward(op kernels.AddGrad) {
	b.give("add", op.DA, floats(op.DY))
	b.give("add", op.DB, floats(op.DY))
}
