package cpu

import "truegrain/kernels"

// Concat joins along the middle axis.
func (b *Backend) Concat(op kernels.Concat) {
	y := floats(op.Y)
	b.parts(op, func(k, at, from, n int) { copy(y[at:at+n], floats(op.X[k])[from:from+n]) })
}

// ConcatBackward cuts dy into its parts, one part after the other.
func (b *Backend) ConcatBackward(op kernels.ConcatGrad) {
	dy := floats(op.DY)
	b.parts(op.Concat, func(k, at, from, n int) {
		if g := op.DX[k]; g.Wanted() {
			giveRow(floats(g.Buf)[from:from+n], dy[at:at+n], g.Acc)
		}
	})
}

// parts calls f for every run of every part: n elements at at in y, at from in part k. The runs of a part are
// parallel, the parts are not: one buffer may be two of them.
func (b *Backend) parts(op kernels.Concat, f func(k, at, from, n int)) {
	total := 0
	for _, n := range op.N {
		total += n * op.Inner
	}
	start := 0
	for k, n := range op.N {
		n *= op.Inner
		b.parallel(op.Outer, rowGrain(n), func(lo, hi int) {
			for o := lo; o < hi; o++ {
				f(k, o*total+start, o*n, n)
			}
		})
		start += n
	}
}

// giveRow writes or adds.
func giveRow(dst, src []float32, acc bool) {
	if !acc {
		copy(dst, src)
		return
	}
	for i, v := range src {
		dst[i] += v
	}
}
