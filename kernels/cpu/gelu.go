package cpu

import (
	"unsafe"

	"truegrain/kernels"
)

// GELU is x·Φ(x).
func (b *Backend) GELU(op kernels.GELU) { b.transform("GELU", op.Y, op.X, op.N, b.level.vmath.gelu) }

// GELUBackward is dx = dy·(Φ(x) + x·φ(x)).
func (b *Backend) GELUBackward(op kernels.GELUGrad) {
	b.slope("GELUBackward", op.DX, op.DY, op.X, op.N, b.level.vmath.geluGrad)
}

// geluGo is y = x·Φ(x).
func geluGo(y, x *float32, n, _ int) {
	out := unsafe.Slice(y, n)
	for i, v := range unsafe.Slice(x, n) {
		cdf, _ := normalOf(float64(v))
		out[i] = float32(float64(v) * cdf)
	}
}

// geluGradGo is dx = dy·(Φ(x) + x·φ(x)).
func geluGradGo(dx, dy, x *float32, n, flags int) {
	out, g := unsafe.Slice(dx, n), unsafe.Slice(dy, n)
	for i, v := range unsafe.Slice(x, n) {
		w := float64(v)
		cdf, pdf := normalOf(w)
		put(&out[i], float32(float64(g[i])*(cdf+w*pdf)), flags)
	}
}
