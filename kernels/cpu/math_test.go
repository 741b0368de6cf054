package cpu

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// The bound that exp32 states, over every 997th float32.
func TestExp32(t *testing.T) {
	worst := 0.0
	for bits := uint64(0); bits < 1<<32; bits += 997 {
		x := math.Float32frombits(uint32(bits))
		if x != x {
			require.True(t, exp32(x) != exp32(x))
			continue
		}
		want := math.Exp(float64(x))
		if x >= -87.3 && x <= 88.7 {
			ulp := float64(math.Nextafter32(float32(want), float32(math.Inf(1))) - float32(want))
			worst = max(worst, math.Abs(float64(exp32(x))-want)/ulp)
		} else {
			require.True(t, exp32(x) == 0 || math.IsInf(float64(exp32(x)), 1), "%v", x)
		}
	}
	t.Logf("%.2f units in the last place", worst)
	require.Less(t, worst, 1.5)
}

func TestNormalTable(t *testing.T) {
	for x := -8.0; x < 8; x += 0.000731 {
		cdf, pdf := normalOf(x)
		require.InDelta(t, math.Erfc(-x/math.Sqrt2)/2, cdf, 3e-9)
		require.InDelta(t, math.Exp(-x*x/2)/math.Sqrt(2*math.Pi), pdf, 5e-9)
	}
	cdf, _ := normalOf(math.NaN())
	require.True(t, math.IsNaN(cdf))
}

func BenchmarkExp32(b *testing.B) {
	var s float32
	for b.Loop() {
		s += exp32(s - 1)
	}
}
