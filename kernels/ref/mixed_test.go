package ref_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/kerneltest"
	"truegrain/kernels/ref"
)

// 1 + 2⁻⁹ is no bfloat16 and rounds to 1. Parameters and their gradients keep it.
func TestMixedRoundsValuesAndWeights(t *testing.T) {
	be, ok := ref.Open32().(kernels.Mixed).Mixed()
	require.True(t, ok)
	const odd = 1 + 1.0/512
	one, three := kernels.BF16Bits(1), kernels.BF16Bits(3)
	x, w, b, y := []uint16{one, three}, []float32{odd, odd}, []float32{odd}, make([]uint16, 1)
	op := kernels.Linear{R: 1, D: 2, OD: 1, X: kernels.Of(x), Weight: kernels.Of(w), Bias: kernels.Of(b),
		Y: kernels.Of(y)}
	be.Linear(op)
	require.Equal(t, []uint16{kernels.BF16Bits(5)}, y)
	dx, dw, db := make([]uint16, 2), []float32{odd, 0}, make([]float32, 1)
	be.LinearBackward(kernels.LinearGrad{Linear: op, DY: kernels.Of([]uint16{three}),
		DX: kernels.Grad{Buf: kernels.Of(dx)}, DWeight: kernels.Grad{Buf: kernels.Of(dw), Acc: true},
		DBias: kernels.Grad{Buf: kernels.Of(db)}})
	require.Equal(t, []uint16{three, three}, dx)
	require.Equal(t, []float32{odd + 3, 9}, dw)
	require.Equal(t, []float32{3}, db)
	require.Equal(t, []float32{odd, odd}, w, "nobody's memory is changed")
	_, ok = ref.Open64().(kernels.Mixed).Mixed()
	require.False(t, ok)
}

// A buffer in two fields is one, and what lies between the heads of one is the others'.
func TestMixedKeepsSharedMemory(t *testing.T) {
	be, _ := ref.Open32().(kernels.Mixed).Mixed()
	one, two := kernels.BF16Bits(1), kernels.BF16Bits(2)
	twice := kernels.Of([]uint16{one})
	be.AddBackward(kernels.AddGrad{Add: kernels.Add{N: 1}, DY: kernels.Of([]uint16{two}),
		DA: kernels.Grad{Buf: twice}, DB: kernels.Grad{Buf: twice, Acc: true}})
	require.Equal(t, []uint16{kernels.BF16Bits(4)}, kernels.Floats[uint16](twice))

	const tokens, d = 2, 3
	run := func(be kernels.Backend, t kernels.DType) []float64 {
		qkv, _ := kernels.AllocHost(t, tokens*3*d)
		dqkv, _ := kernels.AllocHost(t, qkv.Len())
		for i := range qkv.Len() {
			qkv.Set(i, float64(i%5-2)/2)
		}
		part := func(b kernels.Buf, i int) kernels.Buf { return b.Slice(i*d, b.Len()-(2-i)*d) }
		own := func(v ...float64) kernels.Buf {
			b, _ := kernels.AllocHost(t, len(v))
			be.Upload(b, kernels.Of(v))
			return b
		}
		o := kernels.Attention{B: 1, TQ: tokens, TK: tokens, NH: 1, HD: d, LDQ: 3 * d, LDK: 3 * d, LDV: 3 * d,
			Q: part(qkv, 0), K: part(qkv, 1), V: part(qkv, 2), Y: own(make([]float64, tokens*d)...),
			LSE: kernels.Of(make([]float32, tokens))}
		be.Attention(o)
		be.AttentionBackward(kernels.AttentionGrad{Attention: o, DY: own(1, -1, 2, 0.5, 1, -2),
			DQ: kernels.Grad{Buf: part(dqkv, 0)}, DK: kernels.Grad{Buf: part(dqkv, 1)},
			DV: kernels.Grad{Buf: part(dqkv, 2)}})
		out := make([]float64, dqkv.Len())
		be.Download(kernels.Of(out), dqkv)
		return out
	}
	require.InDeltaSlice(t, run(ref.Open32(), kernels.F32), run(be, kernels.BF16), 0.02)
}

func TestMixedConformance(t *testing.T) { kerneltest.RunMixed(t, ref.Open32()) }
