package ref

import "truegrain/kernels"

// Scale is Alpha·x.
func (b *Backend[T]) Scale(o kernels.Scale) {
	y := b.f(o.Y)
	for i, v := range b.f(o.X) {
		y[i] = T(o.Alpha * float64(v))
	}
}

// ScaleBackward is dx = Alpha·dy.
func (b *Backend[T]) ScaleBackward(o kernels.ScaleGrad) {
	dy := b.f(o.DY)
	b.each(o.DX, func(i int) float64 { return o.Alpha * float64(dy[i]) })
}
