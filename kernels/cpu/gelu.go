package cpu

import "truegrain/kernels"

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
	b.gradient(op.DX, func(dst []float32, lo, hi int) {
		for i, v := range x[lo:hi] {
			w := float64(v)
			cdf, pdf := normalOf(w)
			dst[i] = float32(float64(dy[lo+i]) * (cdf + w*pdf))
		}
	})
}
