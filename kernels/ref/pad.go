package ref

import "truegrain/kernels"

// inside is where element i of the small picture lies in the padded one.
func inside(o kernels.Pad, i int) int {
	c, w, h, n := i%o.C, i/o.C%o.W, i/(o.C*o.W)%o.H, i/(o.C*o.W*o.H)
	return ((n*(o.Top+o.H+o.Bottom)+o.Top+h)*(o.Left+o.W+o.Right)+o.Left+w)*o.C + c
}

// Pad surrounds pictures with zeros.
func (b *Backend[T]) Pad(o kernels.Pad) {
	y := b.floats(o.Y)
	clear(y)
	for i, v := range b.floats(o.X) {
		y[inside(o, i)] = v
	}
}

// PadBackward is the inner part of dy.
func (b *Backend[T]) PadBackward(o kernels.PadGrad) {
	dy := b.floats(o.DY)
	b.each(o.DX, func(i int) float64 { return float64(dy[inside(o.Pad, i)]) })
}
