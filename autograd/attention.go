package autograd

import (
	"truegrain/kernels"
	"truegrain/tensor"
)

// Attention is scaled dot-product self-attention over heads on the packed projection that one linear layer
// writes (Vaswani et al. 2017):
//
//	y[b,t,h] = Σ_s softmax_s(q[b,t,h]·k[b,s,h]/√HD)·v[b,s,h]
//
// If the current layer's name with ".attention" is tapped, the probabilities (B,NH,T,T) are computed as well
// and kept under that name; nothing is materialised otherwise.
//
// Shapes: qkv (B,T,3,NH,HD); result (B,T,NH·HD).
// Saved:  qkv, the result, log-sum-exp (B,NH,T), until backward has run.
// Panics: *tensor.ShapeError if qkv is not packed like that.
func (t *Tape) Attention(qkv *Var) *Var {
	qkv.MustShape("Attention qkv", -1, -1, 3, -1, -1)
	b, n, heads, hd := qkv.Dim(0), qkv.Dim(1), qkv.Dim(3), qkv.Dim(4)
	d := heads * hd
	y := t.like(qkv, b, n, d)
	part := func(g kernels.Buf, i int) kernels.Buf { // q, k or v of a packed buffer, to its last element
		if g.IsZero() || g.Len() == 0 {
			return g
		}
		return g.Slice(i*d, g.Len()-(2-i)*d)
	}
	op := kernels.Attention{B: b, TQ: n, TK: n, NH: heads, HD: hd, LDQ: 3 * d, LDK: 3 * d, LDV: 3 * d,
		Q: part(qkv.Buf, 0), K: part(qkv.Buf, 1), V: part(qkv.Buf, 2), Y: y.Buf,
		LSE: t.Scratch(b * heads * n)}
	t.tapAttention(op)

	return t.apply(op, y, inputs{qkv}, func(dy kernels.Buf) {
		dqkv := qkv.Grad()
		g := kernels.AttentionGrad{Attention: op, DY: dy,
			DQ: kernels.Grad{Buf: part(dqkv.Buf, 0), Acc: dqkv.Acc},
			DK: kernels.Grad{Buf: part(dqkv.Buf, 1), Acc: dqkv.Acc},
			DV: kernels.Grad{Buf: part(dqkv.Buf, 2), Acc: dqkv.Acc}}
		t.attentionBackward(g)
	})
}

// CrossAttention is Attention of separate queries, keys and values, which may differ in number.
//
// Shapes: q (B,TQ,NH,HD); k and v (B,TK,NH,HD); result (B,TQ,NH·HD).
// Saved:  q, k, v, the result, log-sum-exp (B,NH,TQ), until backward has run.
// Panics: *tensor.ShapeError if the operands do not fit.
func (t *Tape) CrossAttention(q, k, v *Var) *Var {
	q.MustShape("CrossAttention q", -1, -1, -1, -1)
	b, tq, heads, hd := q.Dim(0), q.Dim(1), q.Dim(2), q.Dim(3)
	k.MustShape("CrossAttention k", b, -1, heads, hd)
	v.MustShape("CrossAttention v", k.Shape()...)
	d := heads * hd
	y := t.like(q, b, tq, d)
	op := kernels.Attention{B: b, TQ: tq, TK: k.Dim(1), NH: heads, HD: hd, LDQ: d, LDK: d, LDV: d,
		Q: q.Buf, K: k.Buf, V: v.Buf, Y: y.Buf, LSE: t.Scratch(b * heads * tq)}
	t.tapAttention(op)

	return t.apply(op, y, inputs{q, k, v}, func(dy kernels.Buf) {
		t.attentionBackward(kernels.AttentionGrad{Attention: op, DY: dy, DQ: q.Grad(), DK: k.Grad(),
			DV: v.Grad()})
	})
}

func (t *Tape) attentionBackward(g kernels.AttentionGrad) {
	t.work(t.be.Workspace(g), func(work kernels.Buf) {
		g.Work = work
		t.be.AttentionBackward(g)
	})
}

// tapAttention computes the attention map if the layer's map is tapped.
func (t *Tape) tapAttention(op kernels.Attention) {
	defer t.Enter("attention")()
	name := t.Path()
	if !t.tapWanted(name) || t.taps[name] != nil {
		return
	}
	m := t.take(op.Q.DType(), op.B*op.NH*op.TQ*op.TK)
	v := &Var{Tensor: tensor.New(m.whole.Slice(0, op.B*op.NH*op.TQ*op.TK), op.B, op.NH, op.TQ, op.TK),
		tape: t, mem: m}
	if t.runs() {
		t.be.AttentionMap(kernels.AttentionMap{Attention: op, P: v.Buf})
	}
	t.taps[name] = v // holds the one reference that take gave
}
