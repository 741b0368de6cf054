// Package calibrate turns raw scores into probabilities: Platt scaling, the undecided band, and reliability
// bins.
package calibrate

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"

	"truegrain/nn/card"
)

// Sample is a raw score s = p(photograph) and whether the picture is a photograph.
type Sample struct {
	Score      float64
	Photograph bool
}

// ErrOneClass says that a calibration needs pictures of both classes.
var ErrOneClass = errors.New("calibration needs pictures of both classes")

// Platt fits p(photograph) = 1/(1 + exp(A·s + B)) by maximum likelihood on targets that are smoothed by the
// class counts (Platt 1999), in the stable form of Lin, Lin & Weng (2007).
func Platt(samples []Sample) (card.Platt, error) {
	var photos, ais float64
	for _, s := range samples {
		switch {
		case math.IsNaN(s.Score) || math.IsInf(s.Score, 0):
			return card.Platt{}, fmt.Errorf("calibration: a score is %v", s.Score)
		case s.Photograph:
			photos++
		default:
			ais++
		}
	}
	if photos == 0 || ais == 0 {
		return card.Platt{}, ErrOneClass
	}
	hi, lo := (photos+1)/(photos+2), 1/(ais+2)
	target := func(s Sample) float64 {
		if s.Photograph {
			return hi
		}
		return lo
	}
	problem := optimize.Problem{
		Func: func(x []float64) (loss float64) {
			for _, s := range samples {
				z := x[0]*s.Score + x[1]
				// −t·log p − (1−t)·log(1−p) with p = 1/(1+e^z): t·z + log(1+e^−z), from the side that can't
				// overflow
				if z >= 0 {
					loss += target(s)*z + math.Log1p(math.Exp(-z))
				} else {
					loss += (target(s)-1)*z + math.Log1p(math.Exp(z))
				}
			}
			return loss
		},
		Grad: func(g, x []float64) {
			g[0], g[1] = 0, 0
			for _, s := range samples {
				d := target(s) - 1/(1+math.Exp(x[0]*s.Score+x[1]))
				g[0] += d * s.Score
				g[1] += d
			}
		},
	}
	start := []float64{0, math.Log((ais + 1) / (photos + 1))}
	result, err := optimize.Minimize(problem, start,
		&optimize.Settings{GradientThreshold: 1e-7 * float64(len(samples))}, &optimize.BFGS{})
	if err != nil && result == nil {
		return card.Platt{}, fmt.Errorf("calibration: %w", err)
	}
	return card.Platt{A: result.X[0], B: result.X[1]}, nil
}

// The undecided band is ½ ± half, with half between these two.
const narrowest, widest = 0.15, 0.45

// Band is the narrowest range around ½ outside of which at most the share wrong of the leaning pictures lean
// the wrong way. p is p(AI) of each sample.
func Band(samples []Sample, p func(score float64) float64, wrong float64) [2]float64 {
	type answer struct {
		distance float64
		bad      bool
	}
	answers := make([]answer, len(samples))
	for i, s := range samples {
		ai := p(s.Score)
		answers[i] = answer{math.Abs(ai - 0.5), (ai > 0.5) == s.Photograph}
	}
	slices.SortFunc(answers, func(a, b answer) int { // the surest first
		switch {
		case a.distance > b.distance:
			return -1
		case a.distance < b.distance:
			return 1
		}
		return 0
	})
	half, bad := widest, 0
	for i, a := range answers {
		if a.bad {
			bad++
		}
		if float64(bad) <= wrong*float64(i+1) {
			half = a.distance
		}
	}
	// no band is needed: not even the least sure answers are wrong too often
	if float64(bad) <= wrong*float64(len(answers)) {
		half = narrowest
	}
	half = min(max(half, narrowest), widest)
	return [2]float64{0.5 - half, 0.5 + half}
}

// Bins counts the samples in n equally wide bins of p(AI), and the AI pictures among them.
func Bins(samples []Sample, p func(score float64) float64, n int) []card.Bin {
	bins := make([]card.Bin, n)
	for _, s := range samples {
		b := &bins[min(max(int(p(s.Score)*float64(n)), 0), n-1)]
		b.N++
		if !s.Photograph {
			b.AI++
		}
	}
	return bins
}
