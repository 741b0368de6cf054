package ref

import "truegrain/kernels"

// Slice copies a range of the middle axis.
func (b *Backend[T]) Slice(o kernels.Slice) {
	x, y := b.floats(o.X), b.floats(o.Y)
	n := (o.Stop - o.Start) * o.Inner
	for k := range o.Outer {
		from := (k*o.N + o.Start) * o.Inner
		copy(y[k*n:(k+1)*n], x[from:])
	}
}

// SliceBackward is dy inside the range and zero outside.
func (b *Backend[T]) SliceBackward(o kernels.SliceGrad) {
	dy := b.floats(o.DY)
	b.each(o.DX, func(i int) float64 {
		k, n, inner := i/(o.N*o.Inner), i/o.Inner%o.N, i%o.Inner
		if n < o.Start || n >= o.Stop {
			return 0
		}
		return float64(dy[(k*(o.Stop-o.Start)+n-o.Start)*o.Inner+inner])
	})
}
