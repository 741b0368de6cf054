package cpu

import "truegrain/kernels"

// Concat joins along the middle axis.
func (b *Backend) Concat(op kernels.Concat) {
	b.parts(op, func(p *concatPart, at, from, n int) {
		copy(floats(p.Y)[at:at+n], floats(p.X[p.k])[from:from+n])
	})
}

// ConcatBackward cuts dy into its parts, one part after the other.
func (b *Backend) ConcatBackward(op kernels.ConcatGrad) {
	dy := floats(op.DY)
	b.parts(op.Concat, func(p *concatPart, at, from, n int) {
		if g := op.DX[p.k]; g.Wanted() {
			b.giveRow(floats(g.Buf)[from:from+n], dy[at:at+n], g.Acc)
		}
	})
}

// concatPart is part k of a Concat: runs of n elements, from start on in the first run of y, total apart.
type concatPart struct {
	kernels.Concat
	k, n, start, total int
	f                  func(p *concatPart, at, from, n int)
}

// parts calls f for every run of every part: n elements at at in y, at from in the part. The runs of a part
// are parallel, the parts are not: one buffer may be two of them.
func (b *Backend) parts(op kernels.Concat, f func(p *concatPart, at, from, n int)) {
	p := concatPart{Concat: op, f: f}
	for _, n := range op.N {
		p.total += n * op.Inner
	}
	for k, n := range op.N {
		p.k, p.n = k, n*op.Inner
		overPieces(b, op.Outer, p.n, p, (*Backend).partRun)
		p.start += p.n
	}
}

func (b *Backend) partRun(p *concatPart, o, lo, hi int) {
	p.f(p, o*p.total+p.start+lo, o*p.n+lo, hi-lo)
}
