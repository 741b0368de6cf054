//go:build cuda || emu

package cuda

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// attentionSizes are heads of ViT, more tokens and heads, ragged and odd numbers of tokens, wide heads, and
// heads that tensor cores can't take.
var attentionSizes = []kernels.Attention{
	{B: 1, TQ: 197, TK: 197, NH: 2, HD: 64},
	{B: 2, TQ: 330, TK: 330, NH: 1, HD: 64}, // more parts than a ring has slots
	{B: 3, TQ: 20, TK: 65, NH: 9, HD: 64},   // more heads than blocks
	{B: 2, TQ: 17, TK: 65, NH: 3, HD: 16},
	{B: 1, TQ: 130, TK: 40, NH: 1, HD: 128},
	{B: 1, TQ: 65, TK: 129, NH: 2, HD: 72},
	{B: 1, TQ: 1, TK: 1, NH: 1, HD: 8},
	{B: 1, TQ: 9, TK: 70, NH: 2, HD: 12},
}

// TestAttentionInBFloat16 holds forward and backward to the oracle, on tensor cores and in scalars, of packed
// (B,T,3,NH,HD) and of single operands; and to the same bytes in whatever order threads and copies come.
func TestAttentionInBFloat16(t *testing.T) {
	first := map[string][][]float64{}
	for _, spec := range specs("check,1", "2", "3", "check,portable,1", "portable,2", "ptx,1", "ptx,portable,2") {
		t.Run(spec, func(t *testing.T) {
			d := testDevice(t, spec)
			for _, o := range attentionSizes {
				t.Run(fmt.Sprintf("%d %d %d", o.TQ, o.TK, o.HD), func(t *testing.T) {
					got, name := attentionInBFloat16(t, d, o), fmt.Sprint(d.hopper(), o)
					if first[name] == nil {
						first[name] = got
					}
					require.Equal(t, first[name], got, "in another order")
				})
			}
		})
	}
}

func attentionInBFloat16(t *testing.T, d *Device, o kernels.Attention) (got [][]float64) {
	w := o.NH * o.HD
	o.LDQ, o.LDK, o.LDV = w, w, w
	packed := o.TQ == o.TK
	if packed {
		o.LDQ, o.LDK, o.LDV = 3*w, 3*w, 3*w
	}
	acc := o.B == 2
	run := func(be kernels.Backend, put func(seed uint64, n int) kernels.Buf, put32 func(n int) kernels.Buf) (
		out [][]float64) {
		q, k, v := attentionOperands(o, packed, 1, put)
		dq, dk, dv := attentionOperands(o, packed, 10, put)
		g := kernels.AttentionGrad{Attention: o, DY: put(4, o.B*o.TQ*w), DQ: kernels.Grad{Buf: dq, Acc: acc},
			DK: kernels.Grad{Buf: dk, Acc: acc}, DV: kernels.Grad{Buf: dv, Acc: acc}}
		g.Q, g.K, g.V, g.Y = q, k, v, put(5, o.B*o.TQ*w)
		g.LSE = put32(o.B * o.NH * o.TQ)
		be.Attention(g.Attention)
		be.AttentionBackward(g)
		for _, b := range []kernels.Buf{g.Y, g.LSE, dq, dk, dv} {
			x := make([]float64, b.Len())
			be.Download(kernels.Of(x), b)
			out = append(out, x)
		}
		return out
	}
	want := run(ref.Open64(), func(seed uint64, n int) kernels.Buf { return kernels.Of(rounded(seed, n)) },
		func(n int) kernels.Buf { return kernels.Of(make([]float64, n)) })
	got = run(d, func(seed uint64, n int) kernels.Buf { return alloc(t, d, kernels.BF16, rounded(seed, n)...) },
		func(n int) kernels.Buf { return alloc(t, d, kernels.F32, make([]float64, n)...) })
	for i := range want {
		sameInBF16(t, want[i], got[i])
	}
	require.InDeltaSlice(t, want[1], got[1], 1e-5, "log sums")
	return got
}

// TestAttentionGradientsAlone: a gradient does not depend on which others are wanted.
func TestAttentionGradientsAlone(t *testing.T) {
	const n = 2 * 150 * 64
	for _, spec := range specs("check,1", "check,portable,1", "ptx,1", "ptx,portable,2") {
		d := testDevice(t, spec)
		put := func(seed uint64) kernels.Buf { return alloc(t, d, kernels.BF16, rounded(seed, n)...) }
		g := kernels.AttentionGrad{Attention: kernels.Attention{B: 1, TQ: 150, TK: 150, NH: 2, HD: 64, LDQ: 128,
			LDK: 128, LDV: 128, Q: put(1), K: put(2), V: put(3), Y: put(4)}, DY: put(5)}
		g.LSE = alloc(t, d, kernels.F32, make([]float64, 2*150)...)
		d.Attention(g.Attention)
		all, grads := g, []func(g *kernels.AttentionGrad) *kernels.Grad{
			func(g *kernels.AttentionGrad) *kernels.Grad { return &g.DQ },
			func(g *kernels.AttentionGrad) *kernels.Grad { return &g.DK },
			func(g *kernels.AttentionGrad) *kernels.Grad { return &g.DV }}
		for _, of := range grads {
			of(&all).Buf = put(6)
		}
		d.AttentionBackward(all)
		for _, of := range grads {
			alone := g
			of(&alone).Buf = put(7)
			d.AttentionBackward(alone)
			require.Equal(t, read(d, of(&all).Buf), read(d, of(&alone).Buf), spec)
		}
	}
}

// attentionOperands are three of a kind: side by side in one buffer, or each in its own.
func attentionOperands(o kernels.Attention, packed bool, seed uint64,
	put func(seed uint64, n int) kernels.Buf) (q, k, v kernels.Buf) {
	w := o.NH * o.HD
	if !packed {
		return put(seed, o.B*o.TQ*w), put(seed+1, o.B*o.TK*w), put(seed+2, o.B*o.TK*w)
	}
	n := o.B * o.TQ * 3 * w
	all := put(seed, n)
	return all.Slice(0, n-2*w), all.Slice(w, n-w), all.Slice(2*w, n)
}

// TestAttentionKeepsNaN: a NaN among the keys reaches every query of its picture and none of another one, on
// tensor cores too, and in the gradients.
func TestAttentionKeepsNaN(t *testing.T) {
	number := func(v float64) bool { return v == v }
	for _, spec := range specs("check,1", "check,portable,1", "ptx,1", "ptx,portable,2") {
		d := testDevice(t, spec)
		for _, bad := range []int{69, 70} { // the last key of the first picture, the first of the second
			o := kernels.Attention{B: 2, TQ: 20, TK: 70, NH: 1, HD: 64, LDQ: 64, LDK: 64, LDV: 64}
			const q, k = 2 * 20 * 64, 2 * 70 * 64
			put := func(seed uint64, n int) kernels.Buf { return alloc(t, d, kernels.BF16, rounded(seed, n)...) }
			ks := rounded(2, k)
			ks[bad*64+3] = math.NaN()
			o.Q, o.K, o.V, o.Y = put(1, q), alloc(t, d, kernels.BF16, ks...), put(3, k), put(4, q)
			o.LSE = alloc(t, d, kernels.F32, make([]float64, 40)...)
			g := kernels.AttentionGrad{Attention: o, DY: put(5, q), DQ: kernels.Grad{Buf: put(6, q)},
				DK: kernels.Grad{Buf: put(7, k)}, DV: kernels.Grad{Buf: put(8, k)}}
			d.Attention(o)
			d.AttentionBackward(g)
			for name, b := range map[string]kernels.Buf{"y": o.Y, "dq": g.DQ.Buf, "dk": g.DK.Buf} {
				v := read(d, b)
				hit, clean := v[:len(v)/2], v[len(v)/2:]
				if bad == 70 {
					hit, clean = clean, hit
				}
				require.False(t, slices.ContainsFunc(hit, number), "%s, %s: a number came out", spec, name)
				require.False(t, slices.ContainsFunc(clean, math.IsNaN), "%s, %s: a NaN of another picture", spec, name)
			}
		}
	}
}
