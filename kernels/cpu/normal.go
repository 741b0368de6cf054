package cpu

import "math"

// normalOf is Φ(x) and φ(x), the standard normal distribution and its density, with relative errors below
// 2e-8 in both tails.
func normalOf(x float64) (cdf, pdf float64) {
	a := math.Abs(x)
	var e float64
	if !(a > 2*normalEnd) {
		e = exp64(-a * a / 2)
	}
	a = min(a, 2*normalEnd)
	num := polynomial(a, millsNumerator[:])
	cdf = e * float64(float32(density)) * num / (a*num + polynomial(a, millsRest[:]))
	if x > 0 {
		cdf = 1 - cdf
	}
	return cdf, e / (math.Sqrt2 * math.SqrtPi)
}

// polynomial is Σ c·x^k, the coefficient of the highest power first.
func polynomial(x float64, c []float32) (y float64) {
	for _, v := range c {
		y = y*x + float64(v)
	}
	return y
}
