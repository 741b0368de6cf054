package cpu

import (
	"truegrain/kernels"
)

// activationBackward gives dz, the gradient before the activation of an op, from dy behind it: dy itself if
// there is no activation; else work, filled by the ReLU rule from the op's output y.
func (b *Backend) activationBackward(
	op string, act kernels.Activation, rule kernels.ReLURule, y, dy, work kernels.Buf,
) []float32 {
	g := floats(dy)
	switch act {
	case kernels.NoActivation:
		return g
	case kernels.WithReLU:
		exactly(op, "Y", y, len(g))
		dz := floats(work)
		if len(dz) < len(g) {
			panic(&kernels.ArgError{Op: op, Field: "Work", Reason: "is smaller than Workspace says"})
		}
		dz = dz[:len(g)]
		out := floats(y)
		flags := gatesOf(rule) | b.past(dz)
		b.elements(len(g), func(lo, hi int) { b.level.stream.gate(dz[lo:hi], out[lo:hi], g[lo:hi], flags) })
		return dz
	}
	panic(&kernels.ArgError{Op: op, Field: "Act",
		Reason: act.String() + " has no backward inside a fused op"})
}

// give writes dz to a gradient, or adds it.
func (b *Backend) give(op string, to kernels.Grad, dz []float32) {
	if !to.Wanted() {
		return
	}
	exactly(op, "DResidual", to.Buf, len(dz))
	d := floats(to.Buf)
	if !to.Acc {
		b.parallel(len(dz), grainOfCopy(4*len(dz)), func(lo, hi int) { copy(d[lo:hi], dz[lo:hi]) })
		return
	}
	b.elements(len(dz), func(lo, hi int) { b.level.stream.add(d[lo:hi], d[lo:hi], dz[lo:hi], 0) })
}

// sumParts is the most parts of a sum over rows.
const sumParts = 32

// biasBackward gives the column sums of dz (r,c) to a gradient.
func (b *Backend) biasBackward(op string, to kernels.Grad, dz []float32, r, c int) {
	if !to.Wanted() {
		return
	}
	exactly(op, "DBias", to.Buf, c)
	sums := make([]float64, c)
	b.columnSums(dz, r, c, sums, nil)
	d := floats(to.Buf)
	for j, v := range sums {
		if to.Acc {
			d[j] += float32(v)
		} else {
			d[j] = float32(v)
		}
	}
}
