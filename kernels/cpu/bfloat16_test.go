package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

func TestToPairsRoundsToNearestEven(t *testing.T) {
	b := testBackend(t, levels[0])
	if b.level.pairTiles == nil {
		t.Skip("this processor has no AVX512_BF16")
	}
	rng := rand.New(rand.NewPCG(1, 1))
	x := make([]float32, 3*roundGrain+130)
	for i := range x {
		for x[i] = math.Float32frombits(rng.Uint32()); x[i] != 0 && math.Abs(float64(x[i])) < 0x1p-126; {
			x[i] = math.Float32frombits(rng.Uint32()) // denormals become 0
		}
	}
	copy(x, []float32{0, float32(math.Copysign(0, -1)), nan, float32(math.Inf(1)), math.MaxFloat32,
		1 + 0x1p-8, 1 + 0x3p-8})
	pairs := b.toPairs(x)
	for i, got := range halves16(pairs) {
		want := kernels.BF16Bits(x[i])
		if x[i] != x[i] {
			require.True(t, kernels.BF16Float(got) != kernels.BF16Float(got), "NaN at %d", i)
			continue
		}
		require.Equal(t, want, got, "element %d, %v", i, x[i])
	}
}

// BenchmarkBFloat16 times packed products in both types; of-peak is of float32's.
func BenchmarkBFloat16(b *testing.B) {
	be := testBackend(b, levels[0])
	for _, s := range []struct {
		name              string
		b, h, c, oc, k, s int
	}{{"3x3x128 batch 8", 8, 28, 128, 128, 3, 1}, {"1x1 1024-256 batch 8", 8, 14, 1024, 256, 1, 1},
		{"1x1 64-256 batch 8", 8, 56, 64, 256, 1, 1}, {"1x1 512-2048", 1, 7, 512, 2048, 1, 1},
		{"linear 197x1024-4096", 1, 14, 1024, 4096, 1, 1}} {
		op, grad := benchConv(s.b, s.h, s.c, s.oc, s.k, s.s)
		checkConv(b, be, op, grad)
		for _, how := range []kernels.Packing{kernels.Exact, kernels.BFloat16} {
			w, err := be.Pack(op, how)
			require.NoError(b, err)
			op.Packed = w
			b.Run(s.name+"/"+w.Method(),
				func(b *testing.B) { measure(b, be, op.Cost(), func() { be.Conv2D(op) }) })
		}
	}
}
