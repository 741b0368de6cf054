package ref

import "truegrain/kernels"

// Concat joins along the middle axis.
func (b *Backend[T]) Concat(o kernels.Concat) {
	y := b.floats(o.Y)
	joints(o, func(k, at, n, outer int) { copy(y[at:at+n], b.floats(o.X[k])[outer*n:]) })
}

// ConcatBackward cuts dy into its parts.
func (b *Backend[T]) ConcatBackward(o kernels.ConcatGrad) {
	dy := b.floats(o.DY)
	joints(o.Concat, func(k, at, n, outer int) {
		g := o.DX[k]
		if !g.Wanted() || n == 0 {
			return
		}
		s := make(sum, n)
		for i, v := range dy[at : at+n] {
			s[i] = float64(v)
		}
		b.store(kernels.Grad{Buf: g.Buf.Slice(outer*n, (outer+1)*n), Acc: g.Acc}, s)
	})
}

// joints calls f for every run of every part: it starts at at in y and has n elements, the outer-th run of
// part k.
func joints(o kernels.Concat, f func(k, at, n, outer int)) {
	total := 0
	for _, n := range o.N {
		total += n * o.Inner
	}
	start := 0
	for k, n := range o.N {
		for outer := range o.Outer {
			f(k, outer*total+start, n*o.Inner, outer)
		}
		start += n * o.Inner
	}
}
