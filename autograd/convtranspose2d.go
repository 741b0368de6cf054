package autograd

import "truegrain/kernels"

// ConvTranspose2D is the transpose of Conv2D as a linear map, with an epilogue of bias, residual and
// activation (kernels.ConvTranspose2D has the formula): every input pixel adds a scaled kernel to the output.
//
// Shapes: x (B,H,W,C); w (C,KH,KW,OC/G); bias (OC) or nil; residual (B,OH,OW,OC) or nil; result as residual.
// Saved:  x, w, and with a ReLU the result, until backward has run.
// Panics: *tensor.ShapeError if an operand does not fit; *kernels.ArgError if groups do not divide channels.
func (t *Tape) ConvTranspose2D(x, w, bias, residual *Var, c Conv) *Var {
	x.MustShape("ConvTranspose2D x", -1, -1, -1, -1)
	w.MustShape("ConvTranspose2D weight", x.Dim(3), -1, -1, -1)
	groups := max(c.Groups, 1)
	op := kernels.ConvTranspose2D{Window: c.window(w.Dim(1), w.Dim(2)),
		OutPadH: c.OutPadding[0], OutPadW: c.OutPadding[1],
		B: x.Dim(0), H: x.Dim(1), W: x.Dim(2), C: x.Dim(3), OC: w.Dim(3) * groups, Groups: groups, Act: c.Act,
		X: x.Buf, Weight: w.Buf, Bias: bias.buf(), Residual: residual.buf()}
	oh, ow := op.OutSize()
	y, sums := t.convolved("ConvTranspose2D", c, x, bias, residual, op.B, oh, ow, op.OC)
	op.Y, op.Sums = y.Buf, sums
	op.Check()

	return t.apply(op, y, inputs{x, w, bias, residual}, func(dy kernels.Buf) {
		g := kernels.ConvTranspose2DGrad{ConvTranspose2D: op, Rule: t.opts.rule, DY: dy,
			DX: x.Grad(), DWeight: w.Grad(), DBias: bias.Grad(), DResidual: residual.Grad()}
		t.work(t.be.Workspace(g), func(work kernels.Buf) {
			g.Work = work
			t.be.ConvTranspose2DBackward(g)
		})
	})
}
