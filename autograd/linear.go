package autograd

import (
	"slices"

	"truegrain/kernels"
)

// Linear is the affine map of the last axis, plus residual, through an activation:
//
//	y[r,o] = act(Σ_d x[r,d]·w[o,d] + bias[o] + residual[r,o])
//
// The result has the residual's type, which may be wider than x's, or without one that of x.
//
// Shapes: x (..., D); w (OD,D); bias (OD) or nil; residual (..., OD) or nil; result as residual.
// Saved:  x, w, and with a ReLU the result, until backward has run.
// Panics: *tensor.ShapeError if an operand does not fit; *kernels.ArgError if the activation is a GELU, which
// has no backward here, and an operand wants a gradient.
func (t *Tape) Linear(x, w, bias, residual *Var, act kernels.Activation) *Var {
	d := x.Dim(-1)
	w.MustShape("Linear weight", -1, d)
	op := kernels.Linear{R: rows(x, d), D: d, OD: w.Dim(0), Act: act,
		X: x.Buf, Weight: w.Buf, Bias: bias.buf(), Residual: residual.buf()}
	shape := slices.Clone(x.Shape())
	shape[len(shape)-1] = op.OD
	in := inputs{x, w, bias, residual}
	if bias != nil {
		bias.MustShape("Linear bias", op.OD)
	}
	if residual != nil {
		residual.MustShape("Linear residual", shape...)
	}
	if act == kernels.WithGELU && slices.ContainsFunc(in.present(), (*Var).WantsGrad) {
		panic(&kernels.ArgError{Op: "linear", Field: "Act",
			Reason: "a fused GELU has no backward; use Tape.GELU where gradients flow"})
	}
	as := x
	if residual != nil {
		as = residual
	}
	y := t.like(as, shape...)
	op.Y = y.Buf
	t.countReLU(act)

	return t.apply(op, y, in, func(dy kernels.Buf) {
		g := kernels.LinearGrad{Linear: op, Rule: t.opts.rule, DY: dy,
			DX: x.Grad(), DWeight: w.Grad(), DBias: bias.Grad()}
		// dy is all that arrives
		asItIs := act == kernels.NoActivation && residual != nil && residual.grad == nil
		if !asItIs {
			g.DResidual = residual.Grad()
		}
		t.work(t.be.Workspace(g), func(work kernels.Buf) {
			g.Work = work
			t.be.LinearBackward(g)
		})
		if asItIs && !t.handOn(residual, y) {
			t.passOn(residual, dy)
		}
	})
}
