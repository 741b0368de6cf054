package calibrate

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/optimize"
)

// platt fits p(photograph) = 1/(1 + exp(A·s + B)) by maximum likelihood on targets that are smoothed by the
// class counts (Platt 1999), in the stable form of Lin, Lin & Weng (2007).
func platt(samples []Sample) (a, b float64, err error) {
	photographs, ais, err := classes(samples)
	if err != nil {
		return 0, 0, err
	}
	hi, lo := (photographs+1)/(photographs+2), 1/(ais+2)
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
	x, err := minimum(problem, []float64{0, math.Log((ais + 1) / (photographs + 1))}, len(samples))
	if err != nil {
		return 0, 0, err
	}
	return x[0], x[1], nil
}

// minimum is where a loss, summed over n samples, is least.
func minimum(problem optimize.Problem, start []float64, n int) ([]float64, error) {
	result, err := optimize.Minimize(problem, start,
		&optimize.Settings{GradientThreshold: 1e-7 * float64(n)}, &optimize.BFGS{})
	if result == nil {
		return nil, err
	}
	// A line search that can't go lower any more in float64 has arrived, too.
	for _, v := range result.X {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("the fit has come to %v: %v", result.X, err)
		}
	}
	return result.X, nil
}
