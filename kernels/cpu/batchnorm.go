package cpu

import (
	"math"

	"truegrain/kernels"
)

// BatchNorm normalises each channel, adds the residual and applies the ReLU in one pass behind the statistics.
func (b *Backend) BatchNorm(op kernels.BatchNorm) {
	x, residual, y := floats(op.X), floats(op.Residual), floats(op.Y)
	b.batchStatistics(op, x)
	scale, shift := affine(op)
	c := op.C
	b.parallel(op.R, rowGrain(c), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			in, out := x[r*c:][:c], y[r*c:][:c]
			for j, v := range in {
				out[j] = v*scale[j] + shift[j]
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

// affine is batch norm as one product and one sum: y = x·scale + shift.
func affine(op kernels.BatchNorm) (scale, shift []float32) {
	gamma, beta, mean, rstd := floats(op.Gamma), floats(op.Beta), floats(op.Mean), floats(op.RStd)
	scale, shift = make([]float32, op.C), make([]float32, op.C)
	for j := range scale {
		s := float64(gamma[j]) * float64(rstd[j])
		scale[j], shift[j] = float32(s), float32(float64(beta[j])-float64(mean[j])*s)
	}
	return scale, shift
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
	b.give(op.DResidual, dz)
}

// normSums is Σ dz and Σ dz·x̂ of each channel, partial sums added in their order.
func (b *Backend) normSums(op kernels.BatchNormGrad, dz []float32) []float64 {
	x, mean, rstd, c := floats(op.X), floats(op.Mean), floats(op.RStd), op.C
	step := max(sumRows, (op.R+sumParts-1)/sumParts)
	parts := (op.R + step - 1) / step
	partial := make([]float64, parts*2*c)
	b.chunks(parts, func(i int) {
		s, q := partial[2*i*c:][:c], partial[(2*i+1)*c:][:c]
		for r := i * step; r < min(op.R, (i+1)*step); r++ {
			g, in := dz[r*c:][:c], x[r*c:][:c]
			for j, v := range g {
				s[j] += float64(v)
				q[j] += float64(v) * float64((in[j]-mean[j])*rstd[j])
			}
		}
	})
	sums := make([]float64, 2*c)
	for i := range parts {
		for j, v := range partial[2*i*c:][:2*c] {
			sums[j] += v
		}
	}
	return sums
}

// batchNormDX is dx = a·dz + p·x + q, channel by channel: the formula with its constants gathered.
func (b *Backend) batchNormDX(op kernels.BatchNormGrad, dz []float32, sums []float64) {
	if !op.DX.Wanted() {
		return
	}
	x, gamma, mean, rstd, c := floats(op.X), floats(op.Gamma), floats(op.Mean), floats(op.RStd), op.C
	a, p, q := make([]float32, c), make([]float32, c), make([]float32, c)
	for j := range a {
		k := float64(gamma[j]) * float64(rstd[j])
		a[j] = float32(k)
		if op.Train {
			slope := -k * float64(rstd[j]) * sums[c+j] / float64(op.R)
			p[j], q[j] = float32(slope), float32(-k*sums[j]/float64(op.R)-slope*float64(mean[j]))
		}
	}
	dx := floats(op.DX.Buf)
	b.parallel(op.R, rowGrain(c), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			g, in, out := dz[r*c:][:c], x[r*c:][:c], dx[r*c:][:c]
			for j, v := range g {
				d := a[j]*v + p[j]*in[j] + q[j]
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
