package kernels

// Attention is scaled dot-product attention over NH heads (Vaswani et al. 2017):
//
//	y[b,t,h,:] = Σ_s p[b,h,t,s]·v[b,s,h,:],  p[b,h,t,:] = softmax_s(q[b,t,h,:]·k[b,s,h,:]/√HD)
//
// Shapes: Q (B,TQ,NH,HD), K and V (B,TK,NH,HD) with LDQ, LDK, LDV elements from one token to the next and no
// gap between pictures; Y (B,TQ,NH,HD) contiguous; LSE (B,NH,TQ): log Σ_s exp of the scaled scores, written
// for the backward, optional without one. In the packed (B,T,3,NH,HD) that one linear layer writes, Q, K and
// V start 0, NH·HD and 2·NH·HD elements in, and each LD is 3·NH·HD; each Buf ends with the last element it
// reaches.
type Attention struct {
	B, TQ, TK, NH, HD int
	LDQ, LDK, LDV     int
	Q, K, V, Y, LSE   Buf
}

// Cost counts 4·B·NH·TQ·TK·HD operations for the two products.
func (o Attention) Cost() Cost {
	return Cost{4 * product(o.B, o.NH, o.TQ, o.TK, o.HD),
		int64(o.Y.DType().Size()) * product(o.B, o.NH, o.HD, 2*o.TQ+2*o.TK)}
}

// AttentionGrad is the backward of Attention. With p recomputed from Q, K and LSE, and δ[t] = dy[t]·y[t]:
//
//	dv[s] = Σ_t p[t,s]·dy[t],  ds[t,s] = p[t,s]·(dy[t]·v[s] − δ[t]),
//	dq[t] = Σ_s ds[t,s]·k[s]/√HD,  dk[s] = Σ_t ds[t,s]·q[t]/√HD
//
// DQ, DK and DV have the layout of Q, K and V. Work holds Workspace elements.
type AttentionGrad struct {
	Attention
	DY, Work   Buf
	DQ, DK, DV Grad
}

// AttentionMap writes the probabilities themselves, for explanations: P (B,NH,TQ,TK). It reads Q and K only.
type AttentionMap struct {
	Attention
	P Buf
}

// Cost counts 2·B·NH·TQ·TK·HD operations for the product.
func (o AttentionMap) Cost() Cost {
	return Cost{2 * product(o.B, o.NH, o.TQ, o.TK, o.HD), int64(o.P.DType().Size()) *
		product(o.B, o.NH) * (product(o.HD, o.TQ+o.TK) + product(o.TQ, o.TK))}
}

// Stem is the op's name.
func (Attention) Stem() string { return "attention" }

// Run calls the backend.
func (o Attention) Run(b Backend) { b.Attention(o) }

// Run calls the backend.
func (o AttentionMap) Run(b Backend) { b.AttentionMap(o) }
