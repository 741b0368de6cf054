package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestConvertAgainstGo converts every kind of value: ties, overflows, denormals, NaN with any payload.
func TestConvertAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		rng := rand.New(rand.NewPCG(1, 1))
		const n = 1 << 16
		x, wide, bits := make([]float32, n), make([]float64, n), make([]uint16, n)
		for i := range x {
			x[i] = math.Float32frombits(rng.Uint32())
			wide[i] = math.Float64frombits(rng.Uint64())
			if i%2 == 0 { // near what float32 and bfloat16 hold
				x[i] = math.Float32frombits(uint32(i)<<16 + 0x8000 + uint32(i%3) - 1)
				wide[i] = float64(math.Float32frombits(rng.Uint32())) * (1 + float64(i%5-2)*0x1p-25)
			}
			bits[i] = uint16(i)
		}
		same(t, x, l.stream.float64From32, float64From32Go)
		same(t, wide, l.stream.float32From64, float32From64Go)
		same(t, bits, l.stream.float32From16, float32From16Go)
		same(t, x, l.stream.float16From32, float16From32Go)
	})
}

// same converts both ways and compares whole blocks of 16: NaN with NaN, but bfloat16 by its bits.
func same[D float32 | float64 | uint16, S any](t *testing.T, src []S, kernel, plain func(dst []D, src []S)) {
	t.Helper()
	for _, n := range []int{0, 1, 15, 16, 17, 47, 64, len(src)} {
		want, got := make([]D, n+1), make([]D, n+1)
		kernel(got[:n], src)
		plain(want[:n], src)
		for i, w := range want[:n/16*16] {
			require.True(t, w == got[i] || w != w && got[i] != got[i], "element %d of %d: %v, want %v", i, n, got[i], w)
		}
		require.Zero(t, got[n], "beyond %d elements", n)
	}
}
