package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

func TestConvertAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) { compareConversions(t, l, 1<<16, 1) })
}

func FuzzConvert(f *testing.F) {
	f.Add(uint16(100), uint64(1))
	f.Fuzz(func(t *testing.T, n uint16, seed uint64) {
		for _, l := range levels {
			if l.supported() {
				compareConversions(t, l, 64+int(n)%4000, seed)
			}
		}
	})
}

// compareConversions converts every kind of value: ties, overflows, denormals, NaN with any payload.
func compareConversions(t *testing.T, l *level, n int, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	x, wide, bits := anyBits(rng, n), make([]float64, n), make([]uint16, n)
	first := rng.Uint32()
	for i := range x {
		wide[i] = math.Float64frombits(rng.Uint64())
		if i%2 == 0 { // near what float32 and bfloat16 hold
			x[i] = math.Float32frombits((first+uint32(i))<<16 + 0x8000 + uint32(i%3) - 1)
			wide[i] = float64(math.Float32frombits(rng.Uint32())) * (1 + float64(i%5-2)*0x1p-25)
		}
		bits[i] = uint16(first) + uint16(i)
	}
	same(t, x, l.stream.float64From32, float64From32Go)
	same(t, wide, l.stream.float32From64, float32From64Go)
	same(t, bits, l.stream.float32From16, float32From16Go)
	same(t, x, l.stream.float16From32, float16From32Go)
	if l.round != nil {
		compareRounding(t, l, x[:n/64*64])
	}
}

// compareRounding rounds whole blocks of 64 to bfloat16 as products do: denormals become 0.
func compareRounding(t *testing.T, l *level, x []float32) {
	t.Helper()
	got := make([]uint16, len(x)+1)
	l.round(&got[0], &x[0], len(x)/64)
	for i, v := range x {
		want := kernels.BF16Bits(v)
		if max(v, -v) < 0x1p-126 {
			want = kernels.BF16Bits(v * 0)
		}
		w, g := kernels.BF16Float(want), kernels.BF16Float(got[i])
		require.True(t, want == got[i] || w != w && g != g, "element %d: %v becomes %v, want %v", i, v, g, w)
	}
	require.Zero(t, got[len(x)], "beyond %d elements", len(x))
}

// same converts both ways and compares whole blocks of 16: NaN with NaN, but bfloat16 by its bits.
func same[D float32 | float64 | uint16, S any](t *testing.T, src []S, kernel, plain func(dst []D, src []S)) {
	t.Helper()
	for _, n := range []int{0, 1, 15, 16, 17, 47, 64, len(src)} {
		want, got := make([]D, n+1), make([]D, n+1)
		kernel(got[:n], src)
		plain(want[:n], src)
		for i, w := range want[:n/16*16] {
			g := got[i]
			require.True(t, w == g || w != w && g != g, "element %d of %d: %v, want %v", i, n, g, w)
		}
		require.Zero(t, got[n], "beyond %d elements", n)
	}
}
