package kernels

// BatchNorm normalises every channel over the batch (Ioffe & Szegedy 2015), and may add a residual and apply
// a ReLU in the same pass:
//
//	z[r,c] = gamma[c]·(x[r,c] − mean[c])·rstd[c] + beta[c] + residual[r,c],  y = z or max(z,0) if ReLU
//
// With Train, mean and the biased (1/R) variance are those of the batch, rstd = 1/√(var + Eps), both are
// saved, and the running statistics move by Momentum: run += Momentum·(batch − run), the variance then
// unbiased (R/(R−1)). Without, mean and variance are the running ones, and Mean and RStd are filled from
// them.
//
// Shapes: X, Residual (optional), Y (R,C), a picture (B,H,W,C) being (B·H·W,C); Gamma, Beta, Mean, RStd (C);
// RunningMean, RunningVar (C), optional with Train; Sums (2,C) float64, optional with Train: Σx and Σx² as
// the convolution before wrote them, which saves one pass over x.
type BatchNorm struct {
	R, C                    int
	Eps, Momentum           float64
	Train, ReLU             bool
	X, Gamma, Beta          Buf
	Residual, Y             Buf
	RunningMean, RunningVar Buf
	Mean, RStd              Buf
	Sums                    Buf
}

// Cost counts four operations per element, and two more for the statistics in training.
func (o BatchNorm) Cost() Cost {
	per := int64(4)
	if o.Train {
		per += 2
	}
	return Cost{per * product(o.R, o.C), bytesOf(o.X, o.Residual, o.Y)}
}

// BatchNormGrad is the backward of BatchNorm. With dz = dy through the ReLU (by Rule, if there is one) and
// x̂ = (x − mean)·rstd:
//
//	dgamma = Σ_r dz·x̂,  dbeta = Σ_r dz,  dresidual = dz,
//	dx = gamma·rstd·(dz − dbeta/R − x̂·dgamma/R)  with Train,  gamma·rstd·dz  without
//
// The order of the Grads is DX, DGamma, DBeta, DResidual; DX needs the two sums even when their Grads are not
// wanted.
type BatchNormGrad struct {
	BatchNorm
	Rule                         ReLURule
	DY                           Buf
	DX, DGamma, DBeta, DResidual Grad
}

// Stem is the op's name.
func (BatchNorm) Stem() string { return "batchnorm" }

// Run calls the backend.
func (o BatchNorm) Run(b Backend) { b.BatchNorm(o) }
