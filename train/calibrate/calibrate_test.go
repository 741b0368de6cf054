package calibrate_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/nn/card"
	"truegrain/train/calibrate"
)

// drawn are scores whose labels are drawn from known Platt parameters.
func drawn(p card.Platt, n int) []calibrate.Sample {
	rng := kernels.NewPhilox(11)
	out := make([]calibrate.Sample, n)
	for i := range out {
		s := float64(rng.Uniform(0, 0, uint64(i)))
		out[i] = calibrate.Sample{Score: s,
			Photograph: float64(rng.Uniform(0, 1, uint64(i))) < p.Photograph(s)}
	}
	return out
}

func TestPlattFindsTheParameters(t *testing.T) {
	want := card.Platt{A: -8, B: 3.5}
	got, err := calibrate.Platt(drawn(want, 40000))
	require.NoError(t, err)
	require.InDelta(t, want.A, got.A, 0.35) // three standard errors
	require.InDelta(t, want.B, got.B, 0.2)
}

func TestPlattRefuses(t *testing.T) {
	_, err := calibrate.Platt([]calibrate.Sample{{0.1, true}, {0.9, true}})
	require.ErrorIs(t, err, calibrate.ErrOneClass)
	_, err = calibrate.Platt([]calibrate.Sample{{math.NaN(), true}, {0.9, false}})
	require.ErrorContains(t, err, "NaN")
}

// Perfectly separated scores have no finite maximum of the likelihood; the smoothed targets give one.
func TestPlattOfSeparatedScoresIsFinite(t *testing.T) {
	p, err := calibrate.Platt([]calibrate.Sample{{0.01, false}, {0.02, false}, {0.98, true}, {0.99, true}})
	require.NoError(t, err)
	require.Negative(t, p.A)
	require.False(t, math.IsInf(p.A, 0) || math.IsNaN(p.B))
	require.Greater(t, p.Photograph(0.98), 0.7)
	require.Less(t, p.Photograph(0.02), 0.3)
}

func TestBand(t *testing.T) {
	same := func(s float64) float64 { return 1 - s }
	sure := []calibrate.Sample{{0.01, false}, {0.02, false}, {0.98, true}, {0.99, true}}
	require.Equal(t, [2]float64{0.35, 0.65}, calibrate.Band(sure, same, 0.05),
		"nothing is wrong: the narrowest")
	wrong := append(sure, calibrate.Sample{Score: 0.3, Photograph: true},
		calibrate.Sample{Score: 0.7, Photograph: false})
	b := calibrate.Band(wrong, same, 0.05)
	require.InDelta(t, 0.95, b[1], 0.02, "the two unsure ones are wrong: the band ends beyond them")
}

func TestBins(t *testing.T) {
	bins := calibrate.Bins([]calibrate.Sample{{0, false}, {1, true}, {0.95, false}},
		func(s float64) float64 { return 1 - s }, 10)
	require.Equal(t, card.Bin{N: 2, AI: 1}, bins[0])
	require.Equal(t, card.Bin{N: 1, AI: 1}, bins[9])
}
