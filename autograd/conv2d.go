package autograd

import "truegrain/kernels"

// Conv sets how a convolution slides, in rows and columns. The zero value of Stride, Dilation and Groups
// means 1.
type Conv struct {
	Stride, Padding, Dilation [2]int
	OutPadding                [2]int // of a transposed convolution only
	Groups                    int
	Act                       kernels.Activation
	// Sums makes the kernel write Σy and Σy² of each channel on the way out, for the BatchNorm that takes the
	// result: it then needs no pass of its own for its statistics.
	Sums bool
}

func (c Conv) window(kh, kw int) kernels.Window {
	one := func(v int) int { return max(v, 1) }
	return kernels.Window{KH: kh, KW: kw, StrideH: one(c.Stride[0]), StrideW: one(c.Stride[1]),
		PadH: c.Padding[0], PadW: c.Padding[1], DilH: one(c.Dilation[0]), DilW: one(c.Dilation[1])}
}

// Conv2D is the cross-correlation of a picture with each output channel's weights, plus bias and residual,
// through an activation (kernels.Conv2D has the formula).
//
// Shapes: x (B,H,W,C); w (OC,KH,KW,C/G); bias (OC) or nil; residual (B,OH,OW,OC) or nil; result as residual.
// Saved:  x, w, and with a ReLU the result, until backward has run.
// Panics: *tensor.ShapeError if an operand does not fit; *kernels.ArgError if groups do not divide channels.
func (t *Tape) Conv2D(x, w, bias, residual *Var, c Conv) *Var {
	x.MustShape("Conv2D x", -1, -1, -1, -1)
	groups := max(c.Groups, 1)
	w.MustShape("Conv2D weight", -1, -1, -1, x.Dim(3)/groups)
	op := kernels.Conv2D{Window: c.window(w.Dim(1), w.Dim(2)),
		B: x.Dim(0), H: x.Dim(1), W: x.Dim(2), C: x.Dim(3), OC: w.Dim(0), Groups: groups, Act: c.Act,
		X: x.Buf, Weight: w.Buf, Bias: bias.buf(), Residual: residual.buf()}
	oh, ow := op.Out(op.H, op.W)
	y, sums := t.convolved("Conv2D", c, x, bias, residual, op.B, oh, ow, op.OC)
	op.Y, op.Sums = y.Buf, sums
	op.Check()

	return t.apply(op, y, inputs{x, w, bias, residual}, func(dy kernels.Buf) {
		g := kernels.Conv2DGrad{Conv2D: op, Rule: t.opts.rule, DY: dy,
			DX: x.Grad(), DWeight: w.Grad(), DBias: bias.Grad(), DResidual: residual.Grad()}
		t.work(t.be.Workspace(g), func(work kernels.Buf) {
			g.Work = work
			t.be.Conv2DBackward(g)
		})
	})
}

// convolved checks bias and residual of a convolution, or of its transpose, and gives memory for its result
// (b,oh,ow,oc) and, where c wants them, for Σ and Σ² of its channels, in float64.
func (t *Tape) convolved(name string, c Conv, x, bias, residual *Var, b, oh, ow, oc int) (
	y *Var, sums kernels.Buf) {
	if bias != nil {
		bias.MustShape(name+" bias", oc)
	}
	if residual != nil {
		residual.MustShape(name+" residual", b, oh, ow, oc)
	}
	y = t.like(x, b, oh, ow, oc)
	if c.Sums {
		s := t.allocAs(kernels.F64, 2, oc)
		y.sums, sums = s.mem, s.Buf
	}
	t.countReLU(c.Act)
	return y, sums
}

// countReLU notes that an op has a ReLU inside, for the tape's ReLU rule.
func (t *Tape) countReLU(a kernels.Activation) {
	if a == kernels.WithReLU {
		t.relus++
	}
}
