package cpu

import "truegrain/kernels"

// Concat joins along the middle axis.
func (b *Backend) Concat(op kernels.Concat) {
	b.parts(op, func(p *concatPart, at, from int) { copy(floats(p.Y)[at:at+p.n], floats(p.X[p.k])[from:from+p.n]) })
}

// ConcatBackward cuts dy into its parts, one part after the other.
func (b *Backend) ConcatBackward(op kernels.ConcatGrad) {
	dy := floats(op.DY)
	b.parts(op.Concat, func(p *concatPart, at, from int) {
		if g := op.DX[p.k]; g.Wanted() {
			giveRow(floats(g.Buf)[from:from+p.n], dy[at:at+p.n], g.Acc)
		}
	})
}

// concatPart is part k of a Concat: runs of n elements, from start on in the first run of y, total apart.
type concatPart struct {
	kernels.Concat
	k, n, start, total int
	f                  func(p *concatPart, at, from int)
}

// parts calls f for every run of every part: at at in y, at from in the part. The runs of a part are parallel, the
// parts are not: one buffer may be two of them.
func (b *Backend) parts(op kernels.Concat, f func(p *concatPart, at, from int)) {
	p := concatPart{Concat: op, f: f}
	for _, n := range op.N {
		p.total += n * op.Inner
	}
	for k, n := range op.N {
		p.k, p.n = k, n*op.Inner
		over(b, op.Outer, rowGrain(p.n), p, (*Backend).partRuns)
		p.start += p.n
	}
}

func (b *Backend) partRuns(p *concatPart, lo, hi int) {
	for o := lo; o < hi; o++ {
		p.f(p, o*p.total+p.start, o*p.n)
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
