package cpu

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNormalOf(t *testing.T) {
	for x := -14.0; x < 14; x += 0.000731 {
		cdf, pdf := normalOf(x)
		require.InEpsilon(t, math.Erfc(-x/math.Sqrt2)/2, cdf, 2e-8)
		require.InEpsilon(t, math.Exp(-x*x/2)/math.Sqrt(2*math.Pi), pdf, 1e-9)
	}
	cdf, _ := normalOf(math.NaN())
	require.True(t, math.IsNaN(cdf))
}
