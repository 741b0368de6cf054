package calibrate

import (
	"math"

	"truegrain/nn/card"
)

// Measure is how far probabilities of AI are from what was true.
func Measure(p []float64, ai []bool) card.Quality {
	return card.Quality{ECE: ECE(p, ai), Brier: Brier(p, ai), LogLoss: LogLoss(p, ai)}
}

// ECEBins is how many bins the calibration error has.
const ECEBins = 15

// ECE is the expected calibration error (Guo et al. 2017): over 15 equally wide bins of p(AI), the mean
// distance between the probability that was said and the share that was true, weighted by the bins' counts.
func ECE(p []float64, ai []bool) float64 {
	var gap [ECEBins]float64
	for i, v := range p {
		b := min(max(int(v*ECEBins), 0), ECEBins-1)
		gap[b] += v
		if ai[i] {
			gap[b]--
		}
	}
	var e float64
	for _, g := range gap {
		e += math.Abs(g)
	}
	return e / math.Max(1, float64(len(p)))
}

// Brier is the mean squared distance between p(AI) and what was true (Brier 1950).
func Brier(p []float64, ai []bool) float64 {
	var s float64
	for i, v := range p {
		if ai[i] {
			v--
		}
		s += v * v
	}
	return s / math.Max(1, float64(len(p)))
}

// LogLoss is the mean of −ln of the probability of what was true. A probability below 1e-7 counts as that.
func LogLoss(p []float64, ai []bool) float64 {
	var s float64
	for i, v := range p {
		if !ai[i] {
			v = 1 - v
		}
		s -= math.Log(max(v, 1e-7))
	}
	return s / math.Max(1, float64(len(p)))
}
