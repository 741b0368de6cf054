package autograd

import "truegrain/kernels"

// LayerNorm normalises the last axis of x, then applies a per-feature affine map (Ba et al. 2016):
//
//	y[r,d] = gamma[d]·(x[r,d] − mean[r])·rstd[r] + beta[d],  rstd = 1/√(var + eps)
//
// The result has the type of the backend's Activations, whichever x has.
//
// Shapes: x (..., D) read as (R, D); gamma (D); beta (D); result as x. var is the biased (1/D) one.
// Saved:  x, gamma, mean (R), rstd (R), until backward has run.
// Panics: *tensor.ShapeError if gamma or beta is not (D).
func (t *Tape) LayerNorm(x, gamma, beta *Var, eps float64) *Var {
	d := x.Dim(-1)
	gamma.MustShape("LayerNorm gamma", d)
	beta.MustShape("LayerNorm beta", d)
	r := rows(x, d)

	y := t.allocAs(t.be.Activations(), x.Shape()...)
	op := kernels.LayerNorm{R: r, D: d, Eps: eps, X: x.Buf, Gamma: gamma.Buf, Beta: beta.Buf,
		Y: y.Buf, Mean: t.Scratch(r), RStd: t.Scratch(r)}

	return t.apply(op, y, inputs{x, gamma, beta}, func(dy kernels.Buf) {
		// A Grad is where a gradient goes and whether it is the first to arrive (=) or not (+=).
		// The zero Grad means "nobody wants it": the kernel skips that output.
		t.be.LayerNormBackward(kernels.LayerNormGrad{LayerNorm: op, DY: dy,
			DX: x.Grad(), DGamma: gamma.Grad(), DBeta: beta.Grad()})
	})
}

// rows is how many rows of d elements a value has; 0 if the rows are empty.
func rows(x *Var, d int) int {
	if d == 0 {
		return 0
	}
	return x.Len() / d
}
