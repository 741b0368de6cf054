package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// attentionSize is the numbers of an attention.
type attentionSize struct{ b, nh, tq, tk, hd int }

func (s attentionSize) String() string {
	if s.tq == s.tk {
		return fmt.Sprintf("%dx%dx%dx%d", s.b, s.nh, s.tq, s.hd)
	}
	return fmt.Sprintf("%dx%dx%dx%dx%d", s.b, s.nh, s.tq, s.tk, s.hd)
}

// attentionOperands are random queries, keys and values, with gaps between tokens if queries are as many
// as keys, and what arrives for the result.
type attentionOperands struct {
	op         kernels.Attention
	dy         []float32
	dq, dk, dv []float32
}

func newAttentionOperands(rng *rand.Rand, s attentionSize) *attentionOperands {
	d := s.nh * s.hd
	o := &attentionOperands{dy: randomFloats(rng, s.b*s.tq*d)}
	o.op = kernels.Attention{B: s.b, NH: s.nh, TQ: s.tq, TK: s.tk, HD: s.hd, LDQ: d, LDK: d, LDV: d,
		Y: of(make([]float32, s.b*s.tq*d)), LSE: of(make([]float32, s.b*s.nh*s.tq))}
	if s.tq == s.tk {
		o.op.LDQ, o.op.LDK, o.op.LDV = 3*d, 3*d, 3*d
	}
	tokens := func(n, ld int) []float32 {
		if n == 0 {
			return []float32{}
		}
		return randomFloats(rng, (n-1)*ld+d)
	}
	q, k, v := tokens(s.b*s.tq, o.op.LDQ), tokens(s.b*s.tk, o.op.LDK), tokens(s.b*s.tk, o.op.LDV)
	for i := range q {
		q[i] *= 3
	}
	o.op.Q, o.op.K, o.op.V = of(q), of(k), of(v)
	guarded := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = guard
		}
		return x
	}
	o.dq, o.dk, o.dv = guarded(len(q)), guarded(len(k)), guarded(len(v))
	return o
}

func (o *attentionOperands) grad() kernels.AttentionGrad {
	return kernels.AttentionGrad{Attention: o.op, DY: of(o.dy), DQ: written(o.dq), DK: written(o.dk),
		DV: written(o.dv)}
}

// nearL2 compares by relative L2 error.
func nearL2(t testing.TB, want, got []float32, name string) {
	var d, n float64
	for i, w := range want {
		if w == got[i] {
			n += float64(w) * float64(w)
			continue
		}
		d += float64(got[i]-w) * float64(got[i]-w)
		n += float64(w) * float64(w)
	}
	require.LessOrEqual(t, math.Sqrt(d), 2e-6*math.Sqrt(n), name)
}

func BenchmarkAttention(b *testing.B) {
	for _, s := range []attentionSize{{4, 16, 197, 197, 64}, {1, 16, 197, 197, 64}, {1, 12, 197, 197, 64},
		{1, 1, 197, 197, 64}, {1, 16, 577, 577, 64}, {1, 12, 1025, 1025, 64}, {4, 16, 197, 197, 80}} {
		b.Run(s.String(), func(b *testing.B) {
			benchLevels(b, func(b *testing.B, be *Backend) {
				o := newAttentionOperands(rand.New(rand.NewPCG(1, 1)), s)
				be.Attention(o.op)
				g, cost := o.grad(), o.op.Cost()
				be.AttentionBackward(g)
				o.check(b)
				b.Run("forward", func(b *testing.B) { measure(b, be, cost, func() { be.Attention(o.op) }) })
				cost.FLOPs = cost.FLOPs / 2 * 5
				b.Run("backward", func(b *testing.B) {
					measure(b, be, cost, func() { be.AttentionBackward(g) })
				})
			})
		})
	}
}

// check compares what o holds with ref, in the first and the last head.
func (o *attentionOperands) check(b *testing.B) {
	for _, h := range []int{0, o.op.B*o.op.NH - 1} {
		picture, column := h/o.op.NH, h%o.op.NH*o.op.HD
		head := func(x []float32, tokens, ld int) []float32 { // of one head, without gaps
			var out []float32
			for t := range tokens {
				out = append(out, x[(picture*tokens+t)*ld+column:][:o.op.HD]...)
			}
			return out
		}
		op, hd, d := o.op, o.op.HD, o.op.NH*o.op.HD
		one := kernels.Attention{B: 1, TQ: op.TQ, TK: op.TK, NH: 1, HD: hd, LDQ: hd, LDK: hd, LDV: hd,
			Q: of(head(floats(op.Q), op.TQ, op.LDQ)), K: of(head(floats(op.K), op.TK, op.LDK)),
			V: of(head(floats(op.V), op.TK, op.LDV)), Y: of(make([]float32, op.TQ*hd)),
			LSE: of(make([]float32, op.TQ))}
		oracle := ref.Open32()
		oracle.Attention(one)
		dq, dk, dv := make([]float32, op.TQ*hd), make([]float32, op.TK*hd), make([]float32, op.TK*hd)
		oracle.AttentionBackward(kernels.AttentionGrad{Attention: one, DY: of(head(o.dy, op.TQ, d)),
			DQ: written(dq), DK: written(dk), DV: written(dv)})
		nearL2(b, floats(one.Y), head(floats(op.Y), op.TQ, d), "y")
		nearL2(b, dq, head(o.dq, op.TQ, op.LDQ), "dq")
		nearL2(b, dk, head(o.dk, op.TK, op.LDK), "dk")
		nearL2(b, dv, head(o.dv, op.TK, op.LDV), "dv")
	}
}
