package calibrate

import (
	"math"

	"truegrain/train/data"
)

// leastSquares fits Platt's A and B as the thesis does: from −10 and 5, by the mean squared distance between
// p(photograph) and the label, in three passes over the samples with Adam (Kingma & Ba 2015) at 0.1, 0.01 and
// 0.001, in batches of 32. Each pass has an order of its own and an optimiser that starts anew.
func leastSquares(samples []Sample) (a, b float64) {
	const batch = 32
	x := [2]float64{-10, 5}
	for pass, rate := range []float64{0.1, 0.01, 0.001} {
		order := data.Permutation(0, uint32(pass), len(samples))
		var opt adam
		for len(order) > 0 {
			n := min(batch, len(order))
			opt.step(&x, squaresGradient(samples, order[:n], x), rate)
			order = order[n:]
		}
	}
	return x[0], x[1]
}

// squaresGradient is the gradient of mean (p − t)² with respect to A and B, p = 1/(1+e^z), dp/dz = −p·(1−p).
func squaresGradient(samples []Sample, batch []int, x [2]float64) (g [2]float64) {
	for _, i := range batch {
		s := samples[i]
		p, t := 1/(1+math.Exp(x[0]*s.Score+x[1])), 0.0
		if s.Photograph {
			t = 1
		}
		d := -2 * (p - t) * p * (1 - p) / float64(len(batch))
		g[0] += d * s.Score
		g[1] += d
	}
	return g
}

// adam is the optimiser for two numbers in float64, with the usual 0.9, 0.999 and 1e-8.
type adam struct {
	m, v [2]float64
	n    float64
}

func (o *adam) step(x *[2]float64, g [2]float64, rate float64) {
	const beta1, beta2, eps = 0.9, 0.999, 1e-8
	o.n++
	for i := range x {
		o.m[i] = beta1*o.m[i] + (1-beta1)*g[i]
		o.v[i] = beta2*o.v[i] + (1-beta2)*g[i]*g[i]
		m, v := o.m[i]/(1-math.Pow(beta1, o.n)), o.v[i]/(1-math.Pow(beta2, o.n))
		x[i] -= rate * m / (math.Sqrt(v) + eps)
	}
}
