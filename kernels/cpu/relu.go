package cpu

import (
	"math"

	"truegrain/kernels"
)

// ReLU is max(x, 0); NaN stays NaN.
func (b *Backend) ReLU(op kernels.ReLU) {
	x, y := floats(op.X), floats(op.Y)
	flags := b.past(y)
	b.elements(op.N, func(lo, hi int) { b.level.stream.rectify(y[lo:hi], x[lo:hi], flags) })
}

// ReLUBackward follows the rule: gates say what of dy passes (streamflags.go), and the level's kernel obeys.
func (b *Backend) ReLUBackward(op kernels.ReLUGrad) {
	b.gated("relu", op.DX, floats(op.Y), floats(op.DY), gatesOf(op.Rule))
}

// gated gives what the gates let through of dy to a gradient; y is the ReLU's output, where there are gates.
func (b *Backend) gated(op string, to kernels.Grad, y, dy []float32, gates int) {
	if gates == 0 {
		b.give(op, to, dy)
		return
	}
	b.produce(to, func(dst []float32, lo, hi, flags int) {
		b.level.stream.gate(dst, y[lo:hi], dy[lo:hi], gates|flags)
	})
}

// gatesOf is the gates of a ReLU's backward.
func gatesOf(rule kernels.ReLURule) int {
	switch rule {
	case kernels.Guided:
		return gateOutput | gateGradient
	case kernels.Deconvnet:
		return gateGradient
	}
	return gateOutput
}

// The loops below choose by masks of all bits: signs are random, and a branch on them is mispredicted every
// other time, which takes five times as long.

func rectifyGo(dst, x []float32, _ int) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = masked(v, notNegative(v))
	}
}

func gateGo(dst, y, dy []float32, flags int) {
	dst, y = dst[:len(dy)], y[:len(dy)]
	for i, g := range dy {
		dst[i] = gated(g, y[i], flags)
	}
}

// gated is the gradient g, or 0 if a gate of the flags is closed for it; y is the ReLU's output.
func gated(g, y float32, flags int) float32 {
	if flags&gateOutput != 0 {
		g = masked(g, positive(y))
	}
	if flags&gateGradient != 0 {
		g = masked(g, notNegative(g))
	}
	return g
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
