package cpu

import (
	"math"

	"truegrain/kernels"
)

// head is one head of one picture: where its tokens start, and how far apart they are.
type head struct {
	op                 kernels.Attention
	q, k, v, y         []float32
	n                  int // of all heads of all pictures
	qAt, kAt, vAt, yAt int
	scale              float64
}

// heads calls f for every head, in parallel.
func (b *Backend) heads(op kernels.Attention, f func(h head)) {
	base := head{op: op, q: floats(op.Q), k: floats(op.K), v: floats(op.V), y: floats(op.Y),
		scale: 1 / math.Sqrt(float64(op.HD))}
	b.chunks(op.B*op.NH, func(i int) {
		h := base
		picture, column := i/op.NH, i%op.NH*op.HD
		h.n = i
		h.qAt = picture*op.TQ*op.LDQ + column
		h.kAt = picture*op.TK*op.LDK + column
		h.vAt = picture*op.TK*op.LDV + column
		h.yAt = picture*op.TQ*op.NH*op.HD + column
		f(h)
	})
}

// width is the elements from one token of y to the next.
func (h head) width() int { return h.op.NH * h.op.HD }

// probabilities fills p (TQ,TK) with the softmax of the scaled scores, and lse, where wanted.
func (b *Backend) probabilities(h head, p, lse []float32) {
	o := h.op
	b.gemm(gemm{m: o.TQ, n: o.TK, k: o.HD, transB: true, alpha: float32(h.scale), lda: o.LDQ,
		ldb: o.LDK, ldc: o.TK,
		a: h.q[h.qAt:], b: h.k[h.kAt:], c: p})
	for t := range o.TQ {
		row := p[t*o.TK:][:o.TK]
		l := b.level.vmath.softmaxRow(row, row)
		if lse != nil {
			lse[h.n*o.TQ+t] = float32(l)
		}
	}
}

// Attention keeps the scores of one head at a time.
func (b *Backend) Attention(op kernels.Attention) {
	if op.TK == 0 {
		b.Fill(op.Y, 0)
		return
	}
	lse := floats(op.LSE)
	b.heads(op, func(h head) {
		p := b.scratch.get(op.TQ * op.TK)
		defer b.scratch.put(p)
		b.probabilities(h, p, lse)
		b.gemm(gemm{m: op.TQ, n: op.HD, k: op.TK, alpha: 1, lda: op.TK, ldb: op.LDV, ldc: h.width(),
			a: p, b: h.v[h.vAt:], c: h.y[h.yAt:]})
	})
}

// AttentionMap writes the probabilities.
func (b *Backend) AttentionMap(op kernels.AttentionMap) {
	p := floats(op.P)
	n := op.TQ * op.TK
	b.heads(op.Attention, func(h head) { b.probabilities(h, p[h.n*n:][:n], nil) })
}

// AttentionBackward recomputes the probabilities of one head at a time.
func (b *Backend) AttentionBackward(op kernels.AttentionGrad) {
	if op.TQ == 0 || op.TK == 0 {
		for _, g := range []kernels.Grad{op.DQ, op.DK, op.DV} {
			if g.Wanted() {
				b.zeroed(g)
			}
		}
		return
	}
	dy, dq, dk, dv := floats(op.DY), floats(op.DQ.Buf), floats(op.DK.Buf), floats(op.DV.Buf)
	b.heads(op.Attention, func(h head) {
		p, ds := b.scratch.get(op.TQ*op.TK), b.scratch.get(op.TQ*op.TK)
		defer b.scratch.put(p)
		defer b.scratch.put(ds)
		b.probabilities(h, p, nil)
		b.scoreGradient(h, ds, p, dy)
		if op.DQ.Wanted() {
			b.gemm(gemm{m: op.TQ, n: op.HD, k: op.TK, alpha: 1, lda: op.TK, ldb: op.LDK, ldc: op.LDQ,
				a: ds, b: h.k[h.kAt:], c: dq[h.qAt:], acc: op.DQ.Acc})
		}
		if op.DK.Wanted() {
			b.gemm(gemm{m: op.TK, n: op.HD, k: op.TQ, transA: true, alpha: 1, lda: op.TK, ldb: op.LDQ,
				ldc: op.LDK,
				a:   ds, b: h.q[h.qAt:], c: dk[h.kAt:], acc: op.DK.Acc})
		}
		if op.DV.Wanted() {
			b.gemm(gemm{m: op.TK, n: op.HD, k: op.TQ, transA: true, alpha: 1, lda: op.TK,
				ldb: h.width(), ldc: op.LDV,
				a: p, b: dy[h.yAt:], c: dv[h.vAt:], acc: op.DV.Acc})
		}
	})
}

// scoreGradient fills ds (TQ,TK) with scale·p·(dy·v − δ), δ = dy·y of each query.
func (b *Backend) scoreGradient(h head, ds, p, dy []float32) {
	o := h.op
	b.gemm(gemm{m: o.TQ, n: o.TK, k: o.HD, transB: true, alpha: 1, lda: h.width(), ldb: o.LDV, ldc: o.TK,
		a: dy[h.yAt:], b: h.v[h.vAt:], c: ds})
	for t := range o.TQ {
		at := h.yAt + t*h.width()
		delta := float32(dot64(dy[at:][:o.HD], h.y[at:][:o.HD]))
		row, prob := ds[t*o.TK:][:o.TK], p[t*o.TK:][:o.TK]
		for s, g := range row {
			row[s] = prob[s] * (g - delta) * float32(h.scale)
		}
	}
}
