package autograd

import "truegrain/kernels"

// BatchNorm sets a batch normalisation. Running statistics are plain state, not differentiated; they may be
// nil in training.
type BatchNorm struct {
	RunningMean, RunningVar *Param
	Eps, Momentum           float64
	ReLU                    bool
}

// BatchNorm normalises each channel, by the batch's statistics if the tape is Training and by the running
// ones otherwise, adds the residual and applies the ReLU, all in one pass (Ioffe & Szegedy 2015;
// kernels.BatchNorm has the formula). Batch statistics come from the convolution before, if that was asked
// for its Sums.
//
// Shapes: x, residual or nil (..., C); gamma, beta, running statistics (C); result as x.
// Saved:  x, gamma, mean (C), rstd (C), and with a ReLU the result, until backward has run.
// Panics: *tensor.ShapeError if an operand does not fit.
func (t *Tape) BatchNorm(x, gamma, beta, residual *Var, n BatchNorm) *Var {
	c := x.Dim(-1)
	gamma.MustShape("BatchNorm gamma", c)
	beta.MustShape("BatchNorm beta", c)
	if residual != nil {
		residual.MustShape("BatchNorm residual", x.Shape()...)
	}
	y := t.like(x, x.Shape()...)
	op := kernels.BatchNorm{R: rows(x, c), C: c, Eps: n.Eps, Momentum: n.Momentum,
		Train: t.Training(), ReLU: n.ReLU,
		X: x.Buf, Gamma: gamma.Buf, Beta: beta.Buf, Residual: residual.buf(), Y: y.Buf,
		Mean: t.Scratch(c), RStd: t.Scratch(c)}
	if n.RunningMean != nil && !t.opts.again {
		n.RunningMean.Value.MustShape("BatchNorm running mean", c)
		n.RunningVar.Value.MustShape("BatchNorm running variance", c)
		op.RunningMean, op.RunningVar = n.RunningMean.Value.Buf, n.RunningVar.Value.Buf
	}
	if op.Train && x.sums != nil {
		op.Sums = x.sums.whole.Slice(0, 2*c)
	}
	if n.ReLU {
		t.relus++
	}
	if op.Train && t.opts.sums != nil {
		return t.batchNormTogether(op, y, x, gamma, beta, residual)
	}
	return t.apply(op, y, inputs{x, gamma, beta, residual}, func(dy kernels.Buf) {
		t.be.BatchNormBackward(kernels.BatchNormGrad{BatchNorm: op, Rule: t.opts.rule, DY: dy,
			DX: x.Grad(), DGamma: gamma.Grad(), DBeta: beta.Grad(), DResidual: residual.Grad()})
	})
}
