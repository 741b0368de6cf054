package cpu

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNormalTable(t *testing.T) {
	for x := -8.0; x < 8; x += 0.000731 {
		cdf, pdf := normalOf(x)
		require.InDelta(t, math.Erfc(-x/math.Sqrt2)/2, cdf, 3e-9)
		require.InDelta(t, math.Exp(-x*x/2)/math.Sqrt(2*math.Pi), pdf, 5e-9)
	}
	cdf, _ := normalOf(math.NaN())
	require.True(t, math.IsNaN(cdf))
}
