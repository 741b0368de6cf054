package cpu

import (
	"math"

	"truegrain/kernels"
)

// GELU is x·Φ(x).
func (b *Backend) GELU(op kernels.GELU) {
	x, y := floats(op.X), floats(op.Y)
	b.elements(op.N, func(lo, hi int) {
		for i, v := range x[lo:hi] {
			y[lo+i] = geluOf(v)
		}
	})
}

// GELUBackward is dx = dy·(Φ(x) + x·φ(x)).
func (b *Backend) GELUBackward(op kernels.GELUGrad) {
	x, dy := floats(op.X), floats(op.DY)
	density := 1 / math.Sqrt(2*math.Pi)
	b.gradient(op.DX, func(dst []float32, lo, hi int) {
		for i, v := range x[lo:hi] {
			w := float64(v)
			slope := math.Erfc(-w/math.Sqrt2)/2 + w*density*float64(exp32(-v*v/2))
			dst[i] = float32(float64(dy[lo+i]) * slope)
		}
	})
}
