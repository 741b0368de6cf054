package ref

import "truegrain/kernels"

// Sum reduces the middle axis.
func (b *Backend[T]) Sum(o kernels.Sum) {
	z := make(sum, o.Y.Len())
	for i, v := range b.floats(o.X) {
		z[i/(o.N*o.Inner)*o.Inner+i%o.Inner] += o.Scale * float64(v)
	}
	b.store(kernels.Grad{Buf: o.Y}, z)
}

// SumBackward is dx = Scale·dy.
func (b *Backend[T]) SumBackward(o kernels.SumGrad) {
	dy := b.floats(o.DY)
	b.each(o.DX, func(i int) float64 { return o.Scale * float64(dy[i/(o.N*o.Inner)*o.Inner+i%o.Inner]) })
}
