package cpu

import (
	"math"

	"truegrain/kernels"
)

// BatchNorm normalises each channel, adds the residual and applies the ReLU in one pass behind the
// statistics.
func (b *Backend) BatchNorm(op kernels.BatchNorm) {
	x, residual, y := floats(op.X), floats(op.Residual), floats(op.Y)
	b.batchStatistics(op, x)
	scale, mean, beta, c := slopes(op), floats(op.Mean), floats(op.Beta), op.C
	b.parallel(op.R, rowGrain(c), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			in, out := x[r*c:][:c], y[r*c:][:c]
			for j, v := range in {
				out[j] = (v-mean[j])*scale[j] + beta[j]
			}
			if residual != nil {
				axpy(out, residual[r*c:][:c], 1)
			}
			if op.ReLU {
				rectify(out, out)
			}
		}
	})
}

// slopes is gamma·rstd. The mean is subtracted first: x·slope + (beta − mean·slope) in one product and one
// sum loses digits where the mean is large.
func slopes(op kernels.BatchNorm) []float32 {
	gamma, rstd := floats(op.Gamma), floats(op.RStd)
	scale := make([]float32, op.C)
	for j := range scale {
		scale[j] = gamma[j] * rstd[j]
	}
	return scale
}

// batchStatistics fills Mean and RStd, and in training moves the running statistics.
func (b *Backend) batchStatistics(op kernels.BatchNorm, x []float32) {
	mean, rstd := floats(op.Mean), floats(op.RStd)
	runMean, runVar := floats(op.RunningMean), floats(op.RunningVar)
	if !op.Train {
		for j := range mean {
			mean[j], rstd[j] = runMean[j], float32(1/math.Sqrt(float64(runVar[j])+op.Eps))
		}
		return
	}
	sums := kernels.Floats[float64](op.Sums)
	if sums == nil {
		sums = make([]float64, 2*op.C)
		b.columnSums(x, op.R, op.C, sums[:op.C], sums[op.C:])
	}
	n := float64(max(op.R, 1))
	for j := range mean {
		m := sums[j] / n
		v := max(0, sums[op.C+j]/n-m*m)
		mean[j], rstd[j] = float32(m), float32(1/math.Sqrt(v+op.Eps))
		if runMean != nil && op.R > 0 {
			runMean[j] = float32((1-op.Momentum)*float64(runMean[j]) + op.Momentum*m)
			runVar[j] = float32((1-op.Momentum)*float64(runVar[j]) + op.Momentum*v*n/max(n-1, 1))
		}
	}
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
	sums := b.normSums(op, dz)
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
