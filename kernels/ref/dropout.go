package ref

import "truegrain/kernels"

// keep is what element i is multiplied by: 0, or 1/(1−P).
func keep(o kernels.Dropout, i int) float64 {
	if o.P >= 1 || float64(kernels.NewPhilox(o.Seed).Uniform(o.StepOnHost(), o.Node, uint64(i))) < o.P {
		return 0
	}
	return 1 / (1 - o.P)
}

// Dropout zeroes elements at random and scales the rest.
func (b *Backend[T]) Dropout(o kernels.Dropout) {
	y := b.floats(o.Y)
	for i, v := range b.floats(o.X) {
		y[i] = T(float64(v) * keep(o, i))
	}
}

// DropoutBackward draws the same mask again.
func (b *Backend[T]) DropoutBackward(o kernels.DropoutGrad) {
	dy := b.floats(o.DY)
	b.each(o.DX, func(i int) float64 { return float64(dy[i]) * keep(o.Dropout, i) })
}
