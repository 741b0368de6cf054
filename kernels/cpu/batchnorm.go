package cpu

import (
	"math"

	"truegrain/kernels"
)

// BatchNorm normalises each channel, adds the residual and applies the ReLU in one pass behind the
// statistics. A rounded mean would move a whole channel one way, so the affine map is in float64.
func (b *Backend) BatchNorm(op kernels.BatchNorm) {
	x, residual, y, c := floats(op.X), floats(op.Residual), floats(op.Y), op.C
	slope, shift := b.batchAffine(op, x)
	b.parallel(op.R, rowGrain(c), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			out := y[r*c:][:c]
			affine(out, x[r*c:][:c], slope, shift)
			if residual != nil {
				axpy(out, residual[r*c:][:c], 1)
			}
			if op.ReLU {
				rectify(out, out)
			}
		}
	})
}

func affine(y, x []float32, slope, shift []float64) {
	x, slope, shift = x[:len(y)], slope[:len(y)], shift[:len(y)]
	for j := range y {
		y[j] = float32(float64(x[j])*slope[j] + shift[j])
	}
}

// batchAffine is batch norm as y = x·slope + shift. It fills Mean and RStd, and in training moves the running
// statistics.
func (b *Backend) batchAffine(op kernels.BatchNorm, x []float32) (slope, shift []float64) {
	mean, rstd, gamma, beta := floats(op.Mean), floats(op.RStd), floats(op.Gamma), floats(op.Beta)
	slope, shift = b.batchStatistics(op, x)
	for j, m := range slope {
		r := 1 / math.Sqrt(shift[j]+op.Eps)
		mean[j], rstd[j] = float32(m), float32(r)
		slope[j] = float64(gamma[j]) * r
		shift[j] = float64(beta[j]) - m*slope[j]
	}
	return slope, shift
}

// batchStatistics is the mean and the variance to normalise by.
func (b *Backend) batchStatistics(op kernels.BatchNorm, x []float32) (mean, variance []float64) {
	mean, variance = make([]float64, op.C), make([]float64, op.C)
	runMean, runVar := floats(op.RunningMean), floats(op.RunningVar)
	if !op.Train {
		for j := range mean {
			mean[j], variance[j] = float64(runMean[j]), float64(runVar[j])
		}
		return mean, variance
	}
	sums := kernels.Floats[float64](op.Sums)
	if sums == nil {
		sums = make([]float64, 2*op.C)
		b.columnSums(x, op.R, op.C, sums[:op.C], sums[op.C:])
	}
	n := float64(max(op.R, 1))
	move := func(run *float32, batch float64) {
		*run = float32((1-op.Momentum)*float64(*run) + op.Momentum*batch)
	}
	for j := range mean {
		mean[j] = sums[j] / n
		variance[j] = max(0, sums[op.C+j]/n-mean[j]*mean[j])
		if runMean != nil && op.R > 0 {
			move(&runMean[j], mean[j])
			move(&runVar[j], variance[j]*n/max(n-1, 1))
		}
	}
	return mean, variance
}

// slopes is gamma·rstd.
func slopes(op kernels.BatchNorm) []float32 {
	gamma, rstd := floats(op.Gamma), floats(op.RStd)
	scale := make([]float32, op.C)
	for j := range scale {
		scale[j] = gamma[j] * rstd[j]
	}
	return scale
}

// BatchNormBackward needs two passes: the sums of dz and of dz·x̂, then the gradients.
func (b *Backend) BatchNormBackward(op kernels.BatchNormGrad) {
	dz := floats(op.DY)
	if op.ReLU {
		dz = b.scratch.get(len(dz))
		defer b.scratch.put(dz)
		y, dy := floats(op.Y), floats(op.DY)
		b.elements(len(dz), func(lo, hi int) { reluRule(op.Rule, dz[lo:hi], y[lo:hi], dy[lo:hi]) })
	}
	sums := make([]float64, 2*op.C)
	if op.Train || op.DGamma.Wanted() || op.DBeta.Wanted() {
		sums = b.normSums(op, dz)
	}
	b.batchNormDX(op, dz, sums)
	giveSums(op.DGamma, sums[op.C:])
	giveSums(op.DBeta, sums[:op.C])
	b.give("batchnorm", op.DResidual, dz)
}

// normSums is Σ dz and Σ dz·x̂ of each channel.
func (b *Backend) normSums(op kernels.BatchNormGrad, dz []float32) []float64 {
	x, mean, rstd, c := floats(op.X), floats(op.Mean), floats(op.RStd), op.C
	return b.pairSums(op.R, c, func(r int, s, q []float64) {
		g, in := dz[r*c:][:c], x[r*c:][:c]
		for j, v := range g {
			s[j] += float64(v)
			q[j] += float64(v) * float64((in[j]-mean[j])*rstd[j])
		}
	})
}

// batchNormDX is dx = slope·(dz − a − (x − mean)·p), with a and p of each channel from the sums, 0 outside
// training.
func (b *Backend) batchNormDX(op kernels.BatchNormGrad, dz []float32, sums []float64) {
	if !op.DX.Wanted() {
		return
	}
	x, mean, rstd, c := floats(op.X), floats(op.Mean), floats(op.RStd), op.C
	slope, a, p := slopes(op.BatchNorm), make([]float32, c), make([]float32, c)
	if op.Train {
		for j := range a {
			a[j] = float32(sums[j] / float64(op.R))
			p[j] = float32(sums[c+j] / float64(op.R) * float64(rstd[j]))
		}
	}
	dx := floats(op.DX.Buf)
	b.parallel(op.R, rowGrain(c), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			g, in, out := dz[r*c:][:c], x[r*c:][:c], dx[r*c:][:c]
			for j, v := range g {
				d := slope[j] * (v - a[j] - (in[j]-mean[j])*p[j])
				if op.DX.Acc {
					d += out[j]
				}
				out[j] = d
			}
		}
	})
}

// giveSums writes sums to a gradient, or adds them.
func giveSums(g kernels.Grad, sums []float64) {
	if !g.Wanted() {
		return
	}
	for j, d := range floats(g.Buf) {
		if !g.Acc {
			d = 0
		}
		floats(g.Buf)[j] = d + float32(sums[j])
	}
}
