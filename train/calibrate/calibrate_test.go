package calibrate_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/nn/card"
	"truegrain/train/calibrate"
)

// drawn are scores whose labels are drawn from a known calibration.
func drawn(c card.Calibration, n int) []calibrate.Sample {
	rng := kernels.NewPhilox(11)
	out := make([]calibrate.Sample, n)
	for i := range out {
		s := float64(rng.Uniform(0, 0, uint64(i)))
		out[i] = calibrate.Sample{Score: s,
			Photograph: float64(rng.Uniform(0, 1, uint64(i))) < c.Photograph(s)}
	}
	return out
}

func TestPlattFindsTheParameters(t *testing.T) {
	want := card.Calibration{Method: card.Platt, A: -8, B: 3.5}
	got, err := calibrate.Fit(card.Platt, drawn(want, 40000))
	require.NoError(t, err)
	require.InDelta(t, want.A, got.A, 0.35) // three standard errors
	require.InDelta(t, want.B, got.B, 0.2)
}

// The thesis' fit walks from −10 and 5 for three passes and no longer: 40,000 samples are enough to arrive.
func TestLeastSquaresFindsTheParameters(t *testing.T) {
	want := card.Calibration{Method: card.PlattMSE, A: -8, B: 3.5}
	got, err := calibrate.Fit(card.PlattMSE, drawn(want, 40000))
	require.NoError(t, err)
	require.InDelta(t, want.A, got.A, 0.7)
	require.InDelta(t, want.B, got.B, 0.4)

	few, err := calibrate.Fit(card.PlattMSE, drawn(want, 32))
	require.NoError(t, err, "one batch a pass: Adam's first step is as long as its rate")
	require.InDelta(t, 0.111, math.Abs(few.A+10), 1e-4)
	require.InDelta(t, 0.111, math.Abs(few.B-5), 1e-4)
}

func TestTemperatureFindsTheParameter(t *testing.T) {
	for _, want := range []float64{0.5, 1, 3} {
		got, err := calibrate.Fit(card.Temperature, drawn(card.Calibration{Method: card.Temperature, T: want},
			40000))
		require.NoError(t, err)
		require.InEpsilon(t, want, got.T, 0.06)
	}
}

func TestFitRefuses(t *testing.T) {
	both := []calibrate.Sample{{Score: 0.1}, {Score: 0.9, Photograph: true}}
	for _, m := range calibrate.Methods {
		_, err := calibrate.Fit(m, []calibrate.Sample{{0.1, true}, {0.9, true}})
		require.ErrorIs(t, err, calibrate.ErrOneClass)
		_, err = calibrate.Fit(m, append(both, calibrate.Sample{Score: math.NaN(), Photograph: true}))
		require.ErrorContains(t, err, "NaN")
	}
	_, err := calibrate.Fit("magic", both)
	require.ErrorContains(t, err, "platt")
}

// Perfectly separated scores have no finite maximum of the likelihood; the smoothed targets give one, and a
// temperature ends at its limit.
func TestFitOfSeparatedScoresIsFinite(t *testing.T) {
	apart := []calibrate.Sample{{0, false}, {0.01, false}, {0.02, false}, {0.98, true}, {0.99, true},
		{1, true}}
	for _, m := range calibrate.Methods {
		c, err := calibrate.Fit(m, apart)
		require.NoError(t, err, m)
		require.Greater(t, c.Photograph(0.98), 0.7, m)
		require.Less(t, c.Photograph(0.02), 0.3, m)
		require.GreaterOrEqual(t, c.Photograph(1), c.Photograph(0.98), m)
	}
}

func TestBand(t *testing.T) {
	p, ai := []float64{0.99, 0.98, 0.02, 0.01}, []bool{true, true, false, false}
	require.Equal(t, [2]float64{0.35, 0.65}, calibrate.Band(p, ai, 0.05),
		"nothing is wrong: the narrowest")
	p, ai = append(p, 0.7, 0.3), append(ai, false, true)
	b := calibrate.Band(p, ai, 0.05)
	require.InDelta(t, 0.95, b[1], 0.02, "the two unsure ones are wrong: the band ends beyond them")
}

func TestBins(t *testing.T) {
	bins := calibrate.Bins([]float64{1, 0, 0.05, 0.3}, []bool{true, false, true, false}, 10)
	require.Equal(t, card.Bin{Lo: 0, Hi: 0.1, N: 2, AI: 1, Mean: 0.025}, bins[0])
	require.Equal(t, card.Bin{Lo: 0.9, Hi: 1, N: 1, AI: 1, Mean: 1}, bins[9])
	require.Equal(t, 1, bins[3].N, "an edge belongs to the bin that it begins")
	require.Equal(t, 0.45, bins[4].Mean)
}

func TestThresholds(t *testing.T) {
	var p []float64
	var ai []bool
	for i := range 100 { // photographs at 0, 0.01 ... 0.99; AI a little above
		p, ai = append(p, float64(i)/100, float64(i)/100+0.001), append(ai, false, true)
	}
	th := calibrate.Thresholds(p, ai, []float64{0.05, 0.01, 0.001})
	require.Len(t, th, 3)
	require.Equal(t, []float64{0.001, 0.01, 0.05}, []float64{th[0].FPR, th[1].FPR, th[2].FPR},
		"by rising rate")
	require.Equal(t, 0.991, th[0].P, "above every photograph")
	require.InDelta(t, 0.981, th[1].P, 1e-12, "one photograph is above")
	calibrate.Count(th, p, ai)
	require.Equal(t, card.Threshold{FPR: 0.05, P: th[2].P, FP: 5, Photographs: 100, TP: 6, AI: 100}, th[2])
	require.Equal(t, 0.5, calibrate.Thresholds(p, ai, []float64{0.7})[0].P)
	require.Empty(t, calibrate.Thresholds([]float64{0.9, 0.1}, []bool{false, true}, []float64{0.1}),
		"the photograph has the highest score: no threshold keeps it out")
}

func TestQualityByHand(t *testing.T) {
	// Two bins: .9 said twice with one AI (off by .8/2 of each), .1 said twice with none.
	p, ai := []float64{0.9, 0.9, 0.1, 0.1}, []bool{true, false, false, false}
	q := calibrate.Measure(p, ai)
	require.InDelta(t, (0.8+0.2)/4, q.ECE, 1e-12)
	require.InDelta(t, (0.01+0.81+0.01+0.01)/4, q.Brier, 1e-12)
	require.InDelta(t, -(3*math.Log(0.9)+math.Log(0.1))/4, q.LogLoss, 1e-12)
	require.Zero(t, calibrate.Measure(nil, nil))
	require.Zero(t, calibrate.Measure([]float64{1, 0}, []bool{true, false}))
	require.False(t, math.IsInf(calibrate.LogLoss([]float64{0}, []bool{true}), 0))
}

// Overconfident scores become honest, on pictures that the fit has not seen.
func TestApply(t *testing.T) {
	all := drawn(card.Calibration{Method: card.Temperature, T: 3}, 40000)
	for _, m := range calibrate.Methods {
		for _, test := range [][]calibrate.Sample{all[20000:], nil} {
			c := &card.Card{Arch: "resnet18", Classes: 1, Size: 64, View: "crop", Std: [3]float32{1, 1, 1}}
			o := calibrate.Defaults()
			o.Method = m
			require.NoError(t, calibrate.Apply(c, o, all[:20000], test))
			k := c.Calibration
			require.Less(t, k.After.ECE, k.Before.ECE/2, m)
			require.Less(t, k.After.LogLoss, k.Before.LogLoss, m)
			n := 0
			for _, b := range c.Reliability {
				n += b.N
			}
			require.Equal(t, 20000, n)
			require.Len(t, c.Thresholds, 2)
			_, err := c.Metadata()
			require.NoError(t, err, "what is written can be read")
		}
	}
	c := &card.Card{Band: [2]float64{0.4, 0.6}}
	two := []calibrate.Sample{{Score: 0.4999}, {Score: 0.5001, Photograph: true}}
	require.ErrorIs(t, calibrate.Apply(c, calibrate.Defaults(), two, nil), calibrate.ErrOneClass)
	require.Equal(t, &card.Card{Band: [2]float64{0.4, 0.6}}, c, "a fit that can't be measured is not stored")
}
