package cpu

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// attentionSizes are odd in every direction: one token, more blocks than vectors, heads in several panels,
// keys in several blocks, one head for all cores.
var attentionSizes = []attentionSize{
	{1, 1, 1, 1, 1}, {2, 3, 2, 2, 5}, {1, 2, 3, 3, 32}, {2, 2, 17, 17, 64}, {1, 1, 197, 197, 64},
	{1, 9, 100, 100, 16},
	{1, 1, 65, 241, 80}, {1, 2, 241, 3, 128}, {3, 1, 1, 577, 67}, {1, 1, 577, 577, 7}, {1, 1, 66, 1025, 130},
	{1, 17, 66, 35, 33}, {0, 1, 3, 3, 4}, {1, 2, 0, 4, 3}, {1, 2, 4, 0, 3},
}

// oracle runs an op and its backward in float64 and gives the results: y, lse, p, dq, dk, dv.
func (o *attentionOperands) oracle(g kernels.AttentionGrad) (all [][]float32) {
	wide := func(b kernels.Buf) kernels.Buf {
		if b.IsZero() {
			return b
		}
		x := make([]float64, b.Len())
		for i, v := range floats(b) {
			x[i] = float64(v)
		}
		return kernels.Of(x)
	}
	be := ref.Open64()
	g.Q, g.K, g.V, g.Y, g.LSE = wide(g.Q), wide(g.K), wide(g.V), wide(g.Y), wide(g.LSE)
	g.DY, g.DQ.Buf, g.DK.Buf, g.DV.Buf = wide(g.DY), wide(g.DQ.Buf), wide(g.DK.Buf), wide(g.DV.Buf)
	p := wide(of(make([]float32, g.B*g.NH*g.TQ*g.TK)))
	be.Attention(g.Attention)
	be.AttentionMap(kernels.AttentionMap{Attention: g.Attention, P: p})
	be.AttentionBackward(g)
	for _, b := range []kernels.Buf{g.Y, g.LSE, p, g.DQ.Buf, g.DK.Buf, g.DV.Buf} {
		x := make([]float32, b.Len())
		for i, v := range kernels.Floats[float64](b) {
			x[i] = float32(v)
		}
		all = append(all, x)
	}
	return all
}

// results runs the same on a backend.
func (o *attentionOperands) results(be *Backend, g kernels.AttentionGrad) [][]float32 {
	p := make([]float32, g.B*g.NH*g.TQ*g.TK)
	be.Attention(g.Attention)
	be.AttentionMap(kernels.AttentionMap{Attention: g.Attention, P: of(p)})
	be.AttentionBackward(g)
	return [][]float32{floats(g.Y), floats(g.LSE), p, floats(g.DQ.Buf), floats(g.DK.Buf), floats(g.DV.Buf)}
}

// tokensOf is what lies between the gaps, which must be as they were.
func tokensOf(t *testing.T, s attentionSize, x []float32) (tokens []float32) {
	d := s.nh * s.hd
	for i, v := range x {
		if i/d%3 == 0 {
			tokens = append(tokens, v)
		} else {
			require.Equal(t, guard, v, "element %d is between two tokens", i)
		}
	}
	return tokens
}

var attentionResults = []string{"y", "lse", "p", "dq", "dk", "dv"}

func TestAttentionAgainstRef(t *testing.T) {
	for i, s := range attentionSizes {
		operands := func() (*attentionOperands, kernels.AttentionGrad) {
			o := newAttentionOperands(rand.New(rand.NewPCG(uint64(i), 1)), s)
			g := o.grad()
			g.DQ.Acc, g.DK.Acc, g.DV.Acc = i%2 == 1, i%2 == 1, i%2 == 1
			return o, g
		}
		o, g := operands()
		want := o.oracle(g)
		t.Run(s.String(), func(t *testing.T) {
			forLevels(t, func(t *testing.T, l *level) {
				o, g := operands()
				for k, got := range o.results(testBackend(t, l), g) {
					w := want[k]
					if k >= 3 && s.tq == s.tk {
						w, got = tokensOf(t, s, w), tokensOf(t, s, got)
					}
					nearL2(t, w, got, attentionResults[k])
				}
			})
		})
	}
}

func TestAttentionDoesNotDependOnCores(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for _, s := range []attentionSize{{1, 1, 197, 197, 64}, {1, 3, 130, 241, 9}, {2, 8, 100, 100, 32}} {
			var want [][]float32
			for _, cores := range []int{1, 2, 4} {
				o := newAttentionOperands(rand.New(rand.NewPCG(1, 2)), s)
				before := runtime.GOMAXPROCS(cores)
				be := newBackend(l)
				got := o.results(be, o.grad())
				runtime.GOMAXPROCS(before)
				require.NoError(t, be.Close())
				if want == nil {
					want = got
				}
				require.Equal(t, want, got)
			}
		}
	})
}

// TestAttentionOfOneBuffer stands one buffer in all three gradients: each is served before the next is added.
func TestAttentionOfOneBuffer(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		be := testBackend(t, l)
		for _, heads := range []int{1, 9} {
			s := attentionSize{2, heads, 150, 150, 8}
			o := newAttentionOperands(rand.New(rand.NewPCG(4, 4)), s)
			n := s.b * s.nh * s.tq * s.hd
			x := of(randomFloats(rand.New(rand.NewPCG(5, 5)), n))
			o.op.Q, o.op.K, o.op.V = x, x, x
			o.op.LDQ, o.op.LDK, o.op.LDV = s.nh*s.hd, s.nh*s.hd, s.nh*s.hd
			apart := o.grad()
			for _, g := range []*kernels.Grad{&apart.DQ, &apart.DK, &apart.DV} {
				g.Buf = of(make([]float32, n))
			}
			be.Attention(o.op)
			be.AttentionBackward(apart)
			together := o.grad()
			to := make([]float32, n)
			together.DQ = written(to)
			together.DK, together.DV = kernels.Grad{Buf: of(to), Acc: true},
				kernels.Grad{Buf: of(to), Acc: true}
			be.AttentionBackward(together)
			want := make([]float32, n)
			for i := range want {
				want[i] = floats(apart.DQ.Buf)[i] + floats(apart.DK.Buf)[i] + floats(apart.DV.Buf)[i]
			}
			nearL2(t, want, to, "sum")
		}
	})
}

// TestAttentionKeepsNaNAndInf: a NaN in a key is in every row of its head, one in a query in that row, and a
// score of minus infinity has the probability 0.
func TestAttentionKeepsNaNAndInf(t *testing.T) {
	inf := float32(math.Inf(1))
	forLevels(t, func(t *testing.T, l *level) {
		be := testBackend(t, l)
		run := func(change func(q, k, v []float32)) (y []float32) {
			const tokens, hd = 70, 3
			q, k, v := make([]float32, tokens*hd), make([]float32, tokens*hd), make([]float32, tokens*hd)
			for i := range q {
				q[i], k[i], v[i] = 1, float32(i%7), float32(i%5)
			}
			change(q, k, v)
			y = make([]float32, tokens*hd)
			op := kernels.Attention{B: 1, NH: 1, TQ: tokens, TK: tokens, HD: hd, LDQ: hd, LDK: hd, LDV: hd,
				Q: of(q), K: of(k), V: of(v), Y: of(y)}
			be.Attention(op)
			want := make([]float32, len(y))
			op.Y = of(want)
			ref.Open32().Attention(op)
			for i, w := range want {
				require.Equal(t, math.IsNaN(float64(w)), math.IsNaN(float64(y[i])),
					"element %d is %v", i, y[i])
				require.Equal(t, math.IsInf(float64(w), 0), math.IsInf(float64(y[i]), 0), "element %d", i)
			}
			return y
		}
		run(func(q, k, v []float32) { q[3*5+1] = nan })
		run(func(q, k, v []float32) { k[3*69] = nan })
		run(func(q, k, v []float32) { k[0] = inf })
		run(func(q, k, v []float32) { v[3*68+2] = inf })
		y := run(func(q, k, v []float32) { // all keys but the last have the score -Inf
			for i := range 69 {
				k[3*i] = -inf
			}
		})
		require.InDelta(t, 3*69%5, y[0], 1e-6)
	})
}

func TestAttentionStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	be := testBackend(t, generic).WithContext(ctx).(*Backend)
	o := newAttentionOperands(rand.New(rand.NewPCG(1, 2)), attentionSize{1, 1, 70, 70, 8})
	be.Attention(o.op)
	be.AttentionBackward(o.grad())
	require.Zero(t, floats(o.op.Y)[0])
	require.Equal(t, guard, o.dq[0])
}

func TestAttentionRefusesShortBuffers(t *testing.T) {
	be := testBackend(t, generic)
	for name, f := range map[string]func(g *kernels.AttentionGrad){
		"Y": func(g *kernels.AttentionGrad) { g.Y = g.Y.Slice(1, g.Y.Len()) },
		"K": func(g *kernels.AttentionGrad) { g.K = g.K.Slice(1, g.K.Len()) },
		"V": func(g *kernels.AttentionGrad) { g.LDV++ },
		"Q": func(g *kernels.AttentionGrad) { g.LDQ = 1 },
	} {
		g := newAttentionOperands(rand.New(rand.NewPCG(1, 2)), attentionSize{1, 2, 7, 7, 8}).grad()
		f(&g)
		var arg *kernels.ArgError
		require.ErrorAs(t, caught(func() { be.Attention(g.Attention) }), &arg)
		require.Equal(t, name, arg.Field)
		require.Error(t, caught(func() { be.AttentionBackward(g) }))
	}
	g := newAttentionOperands(rand.New(rand.NewPCG(1, 2)), attentionSize{1, 2, 7, 7, 8}).grad()
	g.LSE = kernels.Buf{}
	require.ErrorContains(t, caught(func() { be.AttentionBackward(g) }), "LSE")
}

func TestAttentionAllocatesNothing(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		be := testBackend(t, l)
		for _, s := range []attentionSize{{1, 9, 20, 20, 8}, {1, 1, 70, 70, 8}} {
			o := newAttentionOperands(rand.New(rand.NewPCG(1, 2)), s)
			m := kernels.AttentionMap{Attention: o.op, P: of(make([]float32, s.b*s.nh*s.tq*s.tk))}
			run := func() {
				be.Attention(o.op)
				be.AttentionMap(m)
				be.AttentionBackward(o.grad())
			}
			// What workers keep grows until as many have worked at once as ever will.
			allocs := testing.AllocsPerRun(5, run)
			for try := 0; try < 10 && allocs > 0; try++ {
				allocs = testing.AllocsPerRun(5, run)
			}
			require.Zero(t, allocs)
		}
	})
}
