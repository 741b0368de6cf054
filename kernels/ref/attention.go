package ref

import (
	"math"

	"truegrain/kernels"
)

// heads calls f for every picture and head.
func heads(o kernels.Attention, f func(b, h int)) {
	for b := range o.B {
		for h := range o.NH {
			f(b, h)
		}
	}
}

// qAt, kAt, vAt and yAt are where the vector of one head of token t of picture b starts in Q, K, V and Y.
func qAt(o kernels.Attention, b, h, t int) int { return (b*o.TQ+t)*o.LDQ + h*o.HD }
func kAt(o kernels.Attention, b, h, t int) int { return (b*o.TK+t)*o.LDK + h*o.HD }
func vAt(o kernels.Attention, b, h, t int) int { return (b*o.TK+t)*o.LDV + h*o.HD }
func yAt(o kernels.Attention, b, h, t int) int { return ((b*o.TQ+t)*o.NH + h) * o.HD }

// scores is q·k/√HD of one query against every key.
func (b *Backend[T]) scores(o kernels.Attention, n, h, t int) []float64 {
	q, k := b.floats(o.Q), b.floats(o.K)
	out := make([]float64, o.TK)
	for s := range out {
		out[s] = dot(0, q[qAt(o, n, h, t):][:o.HD], k[kAt(o, n, h, s):][:o.HD]) / math.Sqrt(float64(o.HD))
	}
	return out
}

// Attention is softmax(q·kᵀ/√HD)·v of every head.
func (b *Backend[T]) Attention(o kernels.Attention) {
	v, y, lses := b.floats(o.V), b.floats(o.Y), b.floats(o.LSE)
	heads(o, func(n, h int) {
		for t := range o.TQ {
			x := b.scores(o, n, h, t)
			lse := logSumExp(x)
			if lses != nil {
				lses[(n*o.NH+h)*o.TQ+t] = T(lse)
			}
			for d := range o.HD {
				var s float64
				for k := range x {
					s += math.Exp(x[k]-lse) * float64(v[vAt(o, n, h, k)+d])
				}
				y[yAt(o, n, h, t)+d] = T(s)
			}
		}
	})
}

// AttentionMap is the probabilities.
func (b *Backend[T]) AttentionMap(o kernels.AttentionMap) {
	p := b.floats(o.P)
	heads(o.Attention, func(n, h int) {
		for t := range o.TQ {
			x := b.scores(o.Attention, n, h, t)
			lse := logSumExp(x)
			for k := range x {
				p[((n*o.NH+h)*o.TQ+t)*o.TK+k] = T(math.Exp(x[k] - lse))
			}
		}
	})
}

// AttentionBackward has the formula at kernels.AttentionGrad.
func (b *Backend[T]) AttentionBackward(o kernels.AttentionGrad) {
	q, k, v, y, dy := b.floats(o.Q), b.floats(o.K), b.floats(o.V), b.floats(o.Y), b.floats(o.DY)
	dq, dk, dv := make(sum, len(q)), make(sum, len(k)), make(sum, len(v))
	scale := 1 / math.Sqrt(float64(o.HD))
	heads(o.Attention, func(n, h int) {
		for t := range o.TQ {
			x := b.scores(o.Attention, n, h, t)
			lse := logSumExp(x)
			at := yAt(o.Attention, n, h, t)
			var delta float64
			for d := range o.HD {
				delta += float64(dy[at+d]) * float64(y[at+d])
			}
			for s := range x {
				p := math.Exp(x[s] - lse)
				var dp float64
				for d := range o.HD {
					dp += float64(dy[at+d]) * float64(v[vAt(o.Attention, n, h, s)+d])
				}
				ds := p * (dp - delta) * scale
				for d := range o.HD {
					dq[qAt(o.Attention, n, h, t)+d] += ds * float64(k[kAt(o.Attention, n, h, s)+d])
					dk[kAt(o.Attention, n, h, s)+d] += ds * float64(q[qAt(o.Attention, n, h, t)+d])
					dv[vAt(o.Attention, n, h, s)+d] += p * float64(dy[at+d])
				}
			}
		}
	})
	b.storeTokens(o.DQ, dq, o.NH*o.HD, o.LDQ)
	b.storeTokens(o.DK, dk, o.NH*o.HD, o.LDK)
	b.storeTokens(o.DV, dv, o.NH*o.HD, o.LDV)
}

// storeTokens stores the d elements of each token and leaves what lies between tokens alone.
func (b *Backend[T]) storeTokens(g kernels.Grad, s sum, d, ld int) {
	if !g.Wanted() {
		return
	}
	for at := 0; at+d <= len(s); at += ld {
		b.store(kernels.Grad{Buf: g.Buf.Slice(at, at+d), Acc: g.Acc}, s[at:at+d])
	}
}
