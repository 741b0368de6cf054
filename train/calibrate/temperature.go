package calibrate

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/optimize"

	"truegrain/nn/card"
)

// The limits of a temperature: scores that separate both classes perfectly have their best at 0.
const coolest, hottest = 0.01, 100

// temperature fits p(photograph) = 1/(1 + exp(−logit(s)/T)) by maximum likelihood (Guo et al. 2017), over
// ln T, so that T stays positive.
func temperature(samples []Sample) (float64, error) {
	z := make([]float64, len(samples)) // positive where a score is right
	for i, s := range samples {
		if z[i] = card.Logit(s.Score); !s.Photograph {
			z[i] = -z[i]
		}
	}
	problem := optimize.Problem{
		Func: func(x []float64) (loss float64) {
			t := math.Exp(x[0])
			for _, v := range z {
				loss += softplus(-v / t)
			}
			return loss
		},
		Grad: func(g, x []float64) {
			g[0] = 0
			t := math.Exp(x[0])
			for _, v := range z {
				g[0] += v / t / (1 + math.Exp(v/t)) // d softplus(−v/t) / d ln t
			}
		},
	}
	x, err := minimum(problem, []float64{0}, len(samples))
	if err != nil {
		return 0, fmt.Errorf("temperature: %w", err)
	}
	return min(max(math.Exp(x[0]), coolest), hottest), nil
}

// softplus is ln(1 + e^x), from the side that can't overflow.
func softplus(x float64) float64 {
	if x > 0 {
		return x + math.Log1p(math.Exp(-x))
	}
	return math.Log1p(math.Exp(x))
}
