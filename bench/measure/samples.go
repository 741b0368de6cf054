package measure

import (
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Samples are measured times in seconds, in the order in which they were taken.
type Samples []float64

// Stat is what samples come to. Lo and Hi bound the true median with 95 % confidence, whatever the
// distribution: they are order statistics. Of five samples or fewer they are the smallest and the largest.
type Stat struct {
	Median float64 `json:"median"`
	Lo     float64 `json:"lo"`
	Hi     float64 `json:"hi"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	N      int     `json:"n"`
}

// Stat sums up samples, of which there must be one.
func (s Samples) Stat() Stat {
	v := slices.Sorted(slices.Values(s))
	n := len(v)
	k := 0 // v[k] and v[n-1-k] bound the median
	for half := (distuv.Binomial{N: float64(n), P: 0.5}); 2*(k+1) < n && half.CDF(float64(k+1)) <= 0.025; {
		k++
	}
	return Stat{Median: (v[(n-1)/2] + v[n/2]) / 2, Lo: v[k], Hi: v[n-1-k], Min: v[0], Max: v[n-1], N: n}
}

// Spread is the half width of the interval of the median, relative to it.
func (s Stat) Spread() float64 { return (s.Hi - s.Lo) / 2 / s.Median }

// Ratio is the medians' a/b with its interval, as if both were at their worst: what lies inside is noise.
func Ratio(a, b Stat) (ratio, lo, hi float64) {
	return a.Median / b.Median, a.Lo / b.Hi, a.Hi / b.Lo
}

// Ratios is a[i]/b[i] of samples that were taken in turn: what disturbs a round disturbs both.
func Ratios(a, b Samples) Samples {
	out := make(Samples, min(len(a), len(b)))
	for i := range out {
		out[i] = a[i] / b[i]
	}
	return out
}
