package cpu

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPeakCountsItsOperations(t *testing.T) {
	for _, l := range levels {
		if !l.supported() {
			continue
		}
		n := 2*peakRounds + 7
		require.Equal(t, int64(n)*int64(l.peakFLOPs), testBackend(t, l).Peak(n), l.name)
	}
}
