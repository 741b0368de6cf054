package golden

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

func TestWinnersOfAPooling(t *testing.T) {
	x := []float64{1, 5, 1 + 1e-9, 5 - 1e-3} // two positions of two channels, and one window
	ours := []int32{1, 0}
	pool := kernels.MaxPool2D{H: 1, W: 2, C: 2, OH: 1, OW: 1, X: kernels.Of(x), Index: kernels.Of(ours)}
	y := []float64{1 + 1e-9, 5}
	n, err := takeWinners(pool, []int32{0, 0}, y, 1e-8)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, []int32{0, 0}, ours)
	_, err = takeWinners(pool, []int32{0, 1}, y, 1e-8)
	require.ErrorContains(t, err, "float32 resolves")
}

func TestMostDiffering(t *testing.T) {
	require.Equal(t, 0, mostDiffering(0, 1e-6))
	require.Equal(t, 7, mostDiffering(2_041_344, 2e-6))
	require.Equal(t, 0, mostDiffering(100, 1e-6), "3.2e-5 of a decision")
}
