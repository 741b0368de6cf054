//go:build cuda || emu

package cuda

import "truegrain/kernels"

// Attention is softmax(q·kᵀ/√HD)·v of every head, of rounded q, k and v.
func (m mixed) Attention(o kernels.Attention) {
	if o.Y.Len() == 0 {
		return
	}
	h := m.half()
	defer h.free()
	y := o.Y
	o.Q, o.K, o.V = h.heads(o.Q, o.K, o.V)
	o.Y = h.scratch(kernels.BF16, y.Len())
	m.Device.Attention(o)
	m.cast(y, o.Y)
}

// AttentionBackward has the formula at kernels.AttentionGrad.
func (m mixed) AttentionBackward(o kernels.AttentionGrad) {
	if o.B*o.TQ*o.TK*o.NH*o.HD == 0 {
		return
	}
	h := m.half()
	defer h.free()
	g := o
	g.Q, g.K, g.V = h.heads(o.Q, o.K, o.V)
	g.Y, g.DY = h.of(o.Y), h.of(o.DY)
	if whole, ok := packedHeads(o.DQ.Buf, o.DK.Buf, o.DV.Buf); ok && !(o.DQ.Acc || o.DK.Acc || o.DV.Acc) {
		d := h.scratch(kernels.BF16, whole.Len())
		g.DQ.Buf, g.DK.Buf, g.DV.Buf = partsOf(d, whole, o.DQ.Buf, o.DK.Buf, o.DV.Buf)
		m.Device.AttentionBackward(g)
		m.cast(whole, d)
		return
	}
	for _, d := range []*kernels.Grad{&g.DQ, &g.DK, &g.DV} {
		if d.Wanted() {
			d.Buf = h.scratch(kernels.BF16, d.Buf.Len())
			m.Fill(d.Buf, 0) // what lies between the tokens
			d.Acc = false
		}
	}
	m.Device.AttentionBackward(g)
	h.rows(o.DQ, g.DQ.Buf, o.B*o.TQ, o.NH*o.HD, o.LDQ)
	h.rows(o.DK, g.DK.Buf, o.B*o.TK, o.NH*o.HD, o.LDK)
	h.rows(o.DV, g.DV.Buf, o.B*o.TK, o.NH*o.HD, o.LDV)
}

// rows writes or adds a rounded gradient, n elements of each row.
func (h *half) rows(g kernels.Grad, from kernels.Buf, count, n, ld int) {
	if g.Wanted() {
		at := rows{row: ld}
		h.d.copyRows(sliceRows, g.Buf, at, h.wide(from), at, 1, count, n, g.Acc)
	}
}

// heads are q, k and v in bfloat16, side by side as they lie.
func (h *half) heads(q, k, v kernels.Buf) (x, y, z kernels.Buf) {
	if whole, ok := packedHeads(q, k, v); ok {
		return partsOf(h.of(whole), whole, q, k, v)
	}
	return h.of(q), h.of(k), h.of(v)
}

// packedHeads is the memory that q, k and v share, as one linear layer writes them: each begins where the
// first token of the one before ends, and all are of one length.
func packedHeads(q, k, v kernels.Buf) (kernels.Buf, bool) {
	step := k.Addr() - q.Addr()
	ok := !q.IsZero() && !k.IsZero() && !v.IsZero() && q.Len() == k.Len() && k.Len() == v.Len() &&
		k.Addr() > q.Addr() && v.Addr()-k.Addr() == step && step < uintptr(q.Bytes())
	if !ok {
		return kernels.Buf{}, false
	}
	size := uintptr(q.DType().Size())
	return kernels.OfDevice(q.DType(), q.Len()+int(2*step/size), q.Addr()), true
}

// partsOf are q, k and v in a copy of the memory that they share.
func partsOf(all, whole, q, k, v kernels.Buf) (x, y, z kernels.Buf) {
	part := func(b kernels.Buf) kernels.Buf {
		from := int(b.Addr()-whole.Addr()) / b.DType().Size()
		return all.Slice(from, from+b.Len())
	}
	return part(q), part(k), part(v)
}
