package evaluate

import (
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// pictures draws n scores, half of them AI, which score higher by shift.
func pictures(n int, shift float64) (p []float64, ai []bool) {
	rng := kernels.NewPhilox(3)
	for i := range n {
		u := float64(rng.Uniform(0, 0, uint64(i)))
		ai = append(ai, i%2 == 0)
		if ai[i] {
			u += shift
		}
		p = append(p, 1/(1+math.Exp(-6*(u-0.5-shift/2))))
	}
	return p, ai
}

func measured(p []float64, ai []bool) values {
	r := rank(p, ai)
	return r.measure(r.counts())
}

func TestMeasuresByHand(t *testing.T) {
	// from the highest: AI, AI+photograph, photograph; one AI picture is missed
	p, ai := []float64{0.9, 0.6, 0.6, 0.55, 0.2, 0.1}, []bool{true, true, false, false, true, false}
	v := measured(p, ai)
	require.InDelta(t, 3.0/6, v[Accuracy], 1e-12)
	require.InDelta(t, (2.0/3+1.0/3)/2, v[Balanced], 1e-12)
	require.InDelta(t, 2.0/4, v[Precision], 1e-12)
	require.InDelta(t, 2.0/3, v[Recall], 1e-12)
	require.InDelta(t, 4.0/7, v[F1], 1e-12)
	require.InDelta(t, 4.0/6, v[AIRate], 1e-12)
	require.InDelta(t, (3+2.5+1)/9, v[AUC], 1e-12, "pairs; a tie counts half")
	require.InDelta(t, (1+2.0/3+3.0/5)/3, v[AP], 1e-12)
	require.InDelta(t, 1.0/3, v[EER], 1e-12, "after the tie both rates are a third")
	require.InDelta(t, 1.0/3, v[TPR1], 1e-12)
	require.InDelta(t, 1.0/3, v[TPR5], 1e-12)
}

func TestMeasuresOfPerfectAndBlindDetectors(t *testing.T) {
	ai := []bool{true, true, false, false}
	v := measured([]float64{0.9, 0.8, 0.2, 0.1}, ai)
	require.Equal(t, []float64{1, 1, 1, 0, 1, 1}, []float64{v[Accuracy], v[AP], v[AUC], v[EER], v[TPR1],
		v[TPR5]})
	v = measured([]float64{0.5, 0.5, 0.5, 0.5}, ai)
	require.Equal(t, []float64{0.5, 0.5, 0.5, 0.5, 0, 0},
		[]float64{v[Accuracy], v[AP], v[AUC], v[EER], v[TPR1], v[AIRate]}, "½ itself is not called AI")
	v = measured([]float64{0.1, 0.2, 0.8, 0.9}, ai)
	require.Equal(t, []float64{0, 0, 1}, []float64{v[Accuracy], v[AUC], v[EER]})
}

func TestOneClassHasNoRanking(t *testing.T) {
	e := Bootstrap{Samples: 50}.estimate([]float64{0.9, 0.2}, []bool{true, true})
	require.False(t, e[AUC].Defined())
	require.False(t, e[Balanced].Defined())
	require.Equal(t, 0.5, e[Accuracy].Value)
	require.Equal(t, 0.5, e[AIRate].Value)
}

// The bootstrap's interval of an accuracy is about the normal one, and that of an AUC about Hanley and
// McNeil's.
func TestBootstrapIntervals(t *testing.T) {
	p, ai := pictures(2000, 0.35)
	e := Bootstrap{Samples: 2000, Seed: 1}.estimate(p, ai)
	a := e[Accuracy]
	require.InDelta(t, 2*1.96*math.Sqrt(a.Value*(1-a.Value)/2000), a.Hi-a.Lo, 0.004)
	auc, n := e[AUC].Value, 1000.0
	q1, q2 := auc/(2-auc), 2*auc*auc/(1+auc)
	se := math.Sqrt((auc*(1-auc) + (n-1)*(q1-auc*auc) + (n-1)*(q2-auc*auc)) / (n * n))
	require.InDelta(t, 2*1.96*se, e[AUC].Hi-e[AUC].Lo, 0.3*2*1.96*se)
	for m := range measures {
		require.LessOrEqual(t, e[m].Lo, e[m].Value, m)
		require.GreaterOrEqual(t, e[m].Hi, e[m].Value, m)
	}
}

// The numbers do not depend on the cores, and do on the seed.
func TestBootstrapIsDeterministic(t *testing.T) {
	p, ai := pictures(500, 0.3)
	one := Bootstrap{Samples: 100, Seed: 1}.estimate(p, ai)
	before := runtime.GOMAXPROCS(5)
	defer runtime.GOMAXPROCS(before)
	require.Equal(t, one, Bootstrap{Samples: 100, Seed: 1}.estimate(p, ai))
	require.NotEqual(t, one, Bootstrap{Samples: 100, Seed: 2}.estimate(p, ai))
}

func TestCertainSharesHaveWilsonsInterval(t *testing.T) {
	e := Bootstrap{Samples: 50}.estimate([]float64{0.9, 0.8, 0.1, 0.2}, []bool{true, true, false, false})
	require.Equal(t, 1.0, e[Accuracy].Value)
	require.InDelta(t, 0.51, e[Accuracy].Lo, 0.01)
	require.Equal(t, 1.0, e[Accuracy].Hi)
}

func TestMeanAndItsInterval(t *testing.T) {
	of := []float64{math.NaN()}
	for i := range 400 {
		of = append(of, float64(i%2))
	}
	e := Bootstrap{Samples: 1000}.mean(of)
	require.Equal(t, 0.5, e.Value)
	require.InDelta(t, 2*1.96*0.5/20, e.Hi-e.Lo, 0.015)
	require.False(t, Bootstrap{}.mean(nil).Defined())
}

func BenchmarkBootstrap(b *testing.B) {
	p, ai := pictures(100_000, 0.3)
	for b.Loop() {
		Bootstrap{Samples: 2000, Seed: 1}.estimate(p, ai)
	}
}
