package ref

import "truegrain/kernels"

// Scale is Alpha·x.
func (b *Backend[T]) Scale(o kernels.Scale) {
	y := b.floats(o.Y)
	for i, v := range b.floats(o.X) {
		y[i] = T(o.Alpha * float64(v))
	}
}

// ScaleBackward is dx = Alpha·dy.
func (b *Backend[T]) ScaleBackward(o kernels.ScaleGrad) {
	dy := b.floats(o.DY)
	b.each(o.DX, func(i int) float64 { return o.Alpha * float64(dy[i]) })
}
