package kernels

// LayerNorm normalises each row, then applies a per-feature affine map (Ba et al. 2016):
//
//	y[r,d] = gamma[d]·(x[r,d] − mean[r])·rstd[r] + beta[d],  rstd = 1/√(var + Eps), var biased (1/D)
//
// Y may be BF16 where X is F32: a shortcut goes on as it is, and what is normalised goes into a product.
//
// Shapes: X, Y (R,D); Gamma, Beta (D); Mean, RStd (R), written for the backward.
type LayerNorm struct {
	R, D           int
	Eps            float64
	X, Gamma, Beta Buf
	Y, Mean, RStd  Buf
}

// Cost counts eight operations per element.
func (o LayerNorm) Cost() Cost { return Cost{8 * product(o.R, o.D), bytesOf(o.X, o.Y)} }

// LayerNormGrad is the backward of LayerNorm. With x̂ = (x − mean)·rstd and g = dy·gamma:
//
//	dx = rstd·(g − mean_d(g) − x̂·mean_d(g·x̂)),  dgamma = Σ_r dy·x̂,  dbeta = Σ_r dy
type LayerNormGrad struct {
	LayerNorm
	DY                Buf
	DX, DGamma, DBeta Grad
}

// Stem is the op's name.
func (LayerNorm) Stem() string { return "layernorm" }

// Run calls the backend.
func (o LayerNorm) Run(b Backend) { b.LayerNorm(o) }
