package autograd

import (
	"fmt"

	"truegrain/kernels"
)

// Dropout zeroes each element with probability p and scales the rest by 1/(1−p) (Srivastava et al. 2014), if
// the tape is Training; otherwise it is x itself. The mask is keyed by the tape's seed and step (WithSeed)
// and by the op's place on the tape, so that it is the same on every backend; it is drawn again for the
// backward.
//
// Shapes: any; result as x.
// Panics: *kernels.ArgError if p is not in [0,1].
func (t *Tape) Dropout(x *Var, p float64) *Var {
	if !(p >= 0 && p <= 1) {
		panic(&kernels.ArgError{Op: "dropout", Field: "P",
			Reason: fmt.Sprintf("is %v, want a probability", p)})
	}
	if !t.Training() || p == 0 {
		return x
	}
	y := t.like(x, x.Shape()...)
	op := kernels.Dropout{N: x.Len(), P: p, Seed: t.opts.seed, Step: t.opts.step,
		Node: uint32(t.base + len(t.nodes)), X: x.Buf, Y: y.Buf, StepIn: t.stepIn}
	return t.apply(op, y, inputs{x}, func(dy kernels.Buf) {
		t.be.DropoutBackward(kernels.DropoutGrad{Dropout: op, DY: dy, DX: x.Grad()})
	})
}
