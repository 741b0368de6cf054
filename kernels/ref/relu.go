package ref

import "truegrain/kernels"

// ReLU is max(x, 0).
func (b *Backend[T]) ReLU(o kernels.ReLU) {
	y := b.floats(o.Y)
	for i, v := range b.floats(o.X) {
		y[i] = T(relu(float64(v)))
	}
}

// ReLUBackward follows the rule, as every op with a ReLU inside does (through, in epilogue.go).
func (b *Backend[T]) ReLUBackward(o kernels.ReLUGrad) {
	dz := b.through(kernels.WithReLU, o.Rule, o.DY, o.Y)
	b.each(o.DX, func(i int) float64 { return dz[i] })
}
