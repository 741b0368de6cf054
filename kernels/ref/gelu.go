package ref

import (
	"math"

	"truegrain/kernels"
)

func gelu(x float64) float64 { return x * normalCDF(x) }

// normalCDF is Φ(x), by erfc so that its left tail keeps its digits.
func normalCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// GELU is x·Φ(x).
func (b *Backend[T]) GELU(o kernels.GELU) {
	y := b.floats(o.Y)
	for i, v := range b.floats(o.X) {
		y[i] = T(gelu(float64(v)))
	}
}

// GELUBackward is dx = dy·(Φ(x) + x·φ(x)).
func (b *Backend[T]) GELUBackward(o kernels.GELUGrad) {
	x, dy := b.floats(o.X), b.floats(o.DY)
	b.each(o.DX, func(i int) float64 {
		v := float64(x[i])
		return float64(dy[i]) * (normalCDF(v) + v*math.Exp(-v*v/2)/math.Sqrt(2*math.Pi))
	})
}
