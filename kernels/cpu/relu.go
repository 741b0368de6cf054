package cpu

import (
	"math"

	"truegrain/kernels"
)

// ReLU is max(x, 0); NaN stays NaN.
func (b *Backend) ReLU(op kernels.ReLU) {
	x, y := floats(op.X), floats(op.Y)
	b.elements(op.N, func(lo, hi int) { rectify(y[lo:hi], x[lo:hi]) })
}

// ReLUBackward follows the rule.
func (b *Backend) ReLUBackward(op kernels.ReLUGrad) {
	y, dy := floats(op.Y), floats(op.DY)
	b.gradient(op.DX, func(dst []float32, lo, hi int) { reluRule(op.Rule, dst, y[lo:hi], dy[lo:hi]) })
}

// The loops below choose by masks of all bits: signs are random, and a branch on them is mispredicted every
// other time, which takes five times as long.

func rectify(y, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = masked(v, notNegative(v))
	}
}

// reluRule writes dz = dy, max(dy,0) or 0, as the rule says for the output y.
func reluRule(rule kernels.ReLURule, dz, y, dy []float32) {
	dz, y = dz[:len(dy)], y[:len(dy)]
	switch rule {
	case kernels.Gradient:
		for i, g := range dy {
			dz[i] = masked(g, positive(y[i]))
		}
	case kernels.Guided:
		for i, g := range dy {
			dz[i] = masked(g, positive(y[i])&notNegative(g))
		}
	case kernels.Deconvnet:
		rectify(dz, dy)
	}
}

func masked(v float32, mask uint32) float32 { return math.Float32frombits(math.Float32bits(v) & mask) }

// notNegative is all ones if v has no sign or is NaN, else 0.
func notNegative(v float32) uint32 {
	mask := ^uint32(int32(math.Float32bits(v)) >> 31)
	if v != v {
		mask = math.MaxUint32
	}
	return mask
}

// positive is all ones if v > 0, else 0: the sign of −bits is set and that of bits is not.
func positive(v float32) uint32 {
	bits := int32(math.Float32bits(v))
	mask := uint32((-bits &^ bits) >> 31)
	if v != v {
		mask = 0
	}
	return mask
}
