package cpu

import (
	"math"

	"truegrain/kernels"
)

// Attention is computed in blocks of queries, each against all keys: no more than (TK,queryBlock) scores
// exist for each goroutine. A chunk is some blocks of one head, so that what is packed serves several.
const (
	queryBlock      = 64
	attentionMACs   = 32 << 20 // that a chunk has at most, if it is more than one block: some 250 µs
	attentionChunks = 16       // that there are at least, if there are so many blocks
)

// attention is an op, forward or backward, and how it is cut. It keeps no memory but what it needs to be used
// again.
type attention struct {
	kernels.AttentionGrad
	b      *Backend
	p      []float32 // probabilities
	scale  float32
	blocks int       // of queries in a head
	parts  int       // chunks in a head
	sums   []float32 // of all chunks (heads,parts,2,TK,HD), in a backward with several of them in a head

	work  func(c *attentionChunk)
	chunk func(i int) // a.run, made once
}

// attention cuts an op in chunks: at least so many if there are blocks enough, each of about macs.
func (b *Backend) attention(op kernels.AttentionGrad, chunks, macs int) *attention {
	a := b.attentions.get()
	if a.chunk == nil {
		a.chunk = a.run
	}
	a.b, a.AttentionGrad = b, op
	a.scale = float32(1 / math.Sqrt(float64(op.HD)))
	a.blocks = (op.TQ + queryBlock - 1) / queryBlock
	perChunk := max(1, macs/(2*queryBlock*op.TK*op.HD))
	a.parts = max((a.blocks+perChunk-1)/perChunk, (chunks+a.heads()-1)/a.heads())
	a.parts = min(a.parts, a.blocks)
	return a
}

// each does some work on n chunks.
func (a *attention) each(n int, work func(c *attentionChunk)) {
	a.work = work
	a.b.chunks(n, a.chunk)
}

// end gives a back.
func (a *attention) end() {
	b := a.b
	*a = attention{chunk: a.chunk}
	b.attentions.put(a)
}

func (a *attention) heads() int  { return a.B * a.NH }
func (a *attention) chunks() int { return a.heads() * a.parts }

// width is the elements from one token of y to the next.
func (a *attention) width() int { return a.NH * a.HD }

// block is the queries of a block: whole vectors, as many as in the others or one more.
func (a *attention) block(i int) (from, to int) {
	vectors := (a.TQ + columnStep - 1) / columnStep
	return i * vectors / a.blocks * columnStep, min(a.TQ, (i+1)*vectors/a.blocks*columnStep)
}

// Attention computes y, and LSE where it is wanted.
func (b *Backend) Attention(op kernels.Attention) {
	exactly("attention", "Y", op.Y, op.B*op.TQ*op.NH*op.HD)
	optionally("attention", "LSE", op.LSE, op.B*op.NH*op.TQ)
	if op.TK == 0 {
		b.Fill(op.Y, 0)
		if !op.LSE.IsZero() {
			b.Fill(op.LSE, math.Inf(-1))
		}
	}
	if isEmpty(op) {
		return
	}
	checkTokens(op, op.Q, op.K, op.V)
	a := b.attention(kernels.AttentionGrad{Attention: op}, attentionChunks, attentionMACs)
	a.each(a.chunks(), (*attentionChunk).forward)
	a.end()
}

// AttentionMap computes the probabilities.
func (b *Backend) AttentionMap(op kernels.AttentionMap) {
	exactly("attention map", "P", op.P, op.B*op.NH*op.TQ*op.TK)
	if isEmpty(op.Attention) {
		return
	}
	checkTokens(op.Attention, op.Q, op.K, kernels.Buf{})
	a := b.attention(kernels.AttentionGrad{Attention: op.Attention}, attentionChunks, attentionMACs)
	a.p = floats(op.P)
	a.each(a.chunks(), (*attentionChunk).probabilities)
	a.end()
}

// isEmpty says that no query meets a key.
func isEmpty(o kernels.Attention) bool { return o.B*o.NH*o.TQ*o.TK*o.HD == 0 }

// checkTokens looks at buffers that have the layout of q, k and v.
func checkTokens(o kernels.Attention, q, k, v kernels.Buf) {
	for _, x := range [...]struct {
		field      string
		buf        kernels.Buf
		tokens, ld int
	}{{"Q", q, o.TQ, o.LDQ}, {"K", k, o.TK, o.LDK}, {"V", v, o.TK, o.LDV}} {
		if !x.buf.IsZero() {
			holds("attention", x.field, x.buf, 1, o.B*x.tokens, o.NH*o.HD, x.ld, 0)
		}
	}
}
