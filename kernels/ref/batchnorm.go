package ref

import (
	"math"

	"truegrain/kernels"
)

// BatchNorm normalises each channel, adds the residual and applies the ReLU.
func (b *Backend[T]) BatchNorm(o kernels.BatchNorm) {
	x, gamma, beta, residual := b.floats(o.X), b.floats(o.Gamma), b.floats(o.Beta), b.floats(o.Residual)
	y, means, rstds := b.floats(o.Y), b.floats(o.Mean), b.floats(o.RStd)
	for c := range o.C {
		mean, variance := b.channelStats(o, x, c)
		rstd := 1 / math.Sqrt(variance+o.Eps)
		means[c], rstds[c] = T(mean), T(rstd)
		for i := c; i < len(x); i += o.C {
			z := float64(gamma[c])*(float64(x[i])-mean)*rstd + float64(beta[c])
			if residual != nil {
				z += float64(residual[i])
			}
			if o.ReLU {
				z = relu(z)
			}
			y[i] = T(z)
		}
	}
}

// channelStats is the mean and variance to normalise channel c by; in training it moves the running ones.
func (b *Backend[T]) channelStats(o kernels.BatchNorm, x []T, c int) (mean, variance float64) {
	runMean, runVar := b.floats(o.RunningMean), b.floats(o.RunningVar)
	if !o.Train {
		return float64(runMean[c]), float64(runVar[c])
	}
	if o.R == 0 {
		return 0, 0
	}
	n := float64(o.R)
	for i := c; i < len(x); i += o.C {
		mean += float64(x[i]) / n
	}
	for i := c; i < len(x); i += o.C {
		d := float64(x[i]) - mean
		variance += d * d / n
	}
	if runMean != nil {
		move := func(run T, batch float64) T { return T((1-o.Momentum)*float64(run) + o.Momentum*batch) }
		runMean[c] = move(runMean[c], mean)
		runVar[c] = move(runVar[c], variance*n/max(n-1, 1))
	}
	return mean, variance
}

// BatchNormBackward has the formula at kernels.BatchNormGrad.
func (b *Backend[T]) BatchNormBackward(o kernels.BatchNormGrad) {
	act := kernels.NoActivation
	if o.ReLU {
		act = kernels.WithReLU
	}
	dz := b.through(act, o.Rule, o.DY, o.Y)
	x, gamma, mean, rstd := b.floats(o.X), b.floats(o.Gamma), b.floats(o.Mean), b.floats(o.RStd)
	hat := func(i int) float64 { return (float64(x[i]) - float64(mean[i%o.C])) * float64(rstd[i%o.C]) }
	dgamma, dbeta := make([]float64, o.C), make([]float64, o.C)
	for i, g := range dz {
		dgamma[i%o.C] += g * hat(i)
		dbeta[i%o.C] += g
	}
	b.each(o.DX, func(i int) float64 {
		c, g := i%o.C, dz[i]
		if o.Train {
			g -= (dbeta[c] + hat(i)*dgamma[c]) / float64(o.R)
		}
		return float64(gamma[c]) * float64(rstd[c]) * g
	})
	b.each(o.DGamma, func(c int) float64 { return dgamma[c] })
	b.each(o.DBeta, func(c int) float64 { return dbeta[c] })
	b.each(o.DResidual, func(i int) float64 { return dz[i] })
}
