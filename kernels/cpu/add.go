package cpu

import "truegrain/kernels"

// Add is a + b.
func (b *Backend) Add(op kernels.Add) {
	x, z, y := floats(op.A), floats(op.B), floats(op.Y)
	flags := b.past(y)
	b.elements(op.N, func(lo, hi int) { b.level.stream.add(y[lo:hi], x[lo:hi], z[lo:hi], flags) })
}

// AddBackward is da = dy, db = dy.
func (b *Backend) AddBackward(op kernels.AddGrad) {
	b.give("add", op.DA, floats(op.DY))
	b.give("add", op.DB, floats(op.DY))
}

func addGo(dst, a, b []float32, _ int) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}
