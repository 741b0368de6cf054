package measure_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/bench/measure"
	"truegrain/kernels"
	_ "truegrain/kernels/all"
)

func TestInterleaveTakesTurns(t *testing.T) {
	var order []byte
	part := func(name byte) func() {
		return func() {
			order = append(order, name)
			time.Sleep(2 * time.Millisecond)
		}
	}
	plan := measure.Plan{Budget: time.Millisecond, Sample: time.Millisecond, MinSamples: 3}
	samples, err := measure.Interleave(t.Context(), plan, part('a'), part('b'))
	require.NoError(t, err)
	require.Equal(t, "aabbababab", string(order), "each warms up and is calibrated, then they take turns")
	for _, s := range samples {
		require.Len(t, s, 3)
		require.Greater(t, s.Stat().Min, 2e-3)
	}
}

func TestInterleaveRepeatsShortCalls(t *testing.T) {
	calls := 0
	plan := measure.Plan{Budget: 20 * time.Millisecond, Sample: time.Millisecond, MinSamples: 4}
	samples, err := measure.Interleave(t.Context(), plan, func() { calls++ })
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(samples[0]), 4)
	require.Greater(t, calls, 1000)
	require.Less(t, samples[0].Stat().Median, 1e-5)
}

func TestInterleaveStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := measure.Interleave(ctx, measure.Plan{}, cancel)
	require.ErrorIs(t, err, context.Canceled)
}

// TestStatBoundsTheMedian draws many sets of samples: in about one of twenty the interval may miss the
// median.
func TestStatBoundsTheMedian(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	missed := 0
	const sets = 2000
	for range sets {
		s := make(measure.Samples, 21)
		for i := range s {
			s[i] = 1 + rng.Float64() // the median is 1.5
		}
		if st := s.Stat(); st.Lo > 1.5 || st.Hi < 1.5 {
			missed++
		}
	}
	require.Greater(t, missed, sets/100)
	require.LessOrEqual(t, missed, sets/20)

	require.Equal(t, measure.Stat{Median: 2, Lo: 1, Hi: 3, Min: 1, Max: 3, N: 3},
		measure.Samples{3, 1, 2}.Stat())
	require.Equal(t, measure.Stat{Median: 7, Lo: 7, Hi: 7, Min: 7, Max: 7, N: 1}, measure.Samples{7}.Stat())
}

func TestRatioWidensByBoth(t *testing.T) {
	a, b := measure.Stat{Median: 2, Lo: 1.5, Hi: 3}, measure.Stat{Median: 4, Lo: 3, Hi: 5}
	ratio, lo, hi := measure.Ratio(a, b)
	require.Equal(t, []float64{0.5, 0.3, 1}, []float64{ratio, lo, hi})
	require.Equal(t, measure.Samples{0.5, 2}, measure.Ratios(measure.Samples{1, 4, 9}, measure.Samples{2, 2}))
}

func TestCeilings(t *testing.T) {
	for _, spec := range []string{"cpu", "ref"} { // ref has no loop of its own
		be, err := kernels.Open(spec)
		require.NoError(t, err)
		c := measure.NewProber(be, 1<<20).Ceilings(1)
		require.NoError(t, be.Close())
		require.Len(t, c, 1)
		require.Greater(t, c[0].FLOPs, 1e8)
		require.Len(t, c[0].Copy, 2, "sizes up to the largest")
		require.Greater(t, c[0].DRAM(), 1e8)
	}
}

func TestCopyAtLiesBetween(t *testing.T) {
	c := measure.Ceiling{Copy: []measure.CopyRate{{1 << 10, 100}, {1 << 20, 40}}}
	require.Equal(t, 100.0, c.CopyAt(1))
	require.InDelta(t, 70, c.CopyAt(1<<15), 1e-9)
	require.Equal(t, 40.0, c.CopyAt(1<<30))
	require.Zero(t, measure.Ceiling{}.CopyAt(5))
}

func TestMemory(t *testing.T) {
	if measure.PeakRSS() == 0 {
		t.Skip("this system does not say how much memory a process has had")
	}
	require.Greater(t, measure.PeakRSS(), int64(1<<20))
	var keep []byte
	// many calls, since what the runtime allocates meanwhile counts as well
	count, size := measure.Allocs(1000, func() { keep = make([]byte, 1<<16) })
	require.Len(t, keep, 1<<16)
	require.InDelta(t, 1, count, 0.5)
	require.InDelta(t, 1<<16, size, 1<<14)
}
