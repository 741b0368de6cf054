package cpu

import (
	"math"

	"truegrain/kernels"
)

// BatchNorm normalises each channel, adds the residual and applies the ReLU in one pass behind the
// statistics.
func (b *Backend) BatchNorm(op kernels.BatchNorm) {
	x, residual, y := floats(op.X), floats(op.Residual), floats(op.Y)
	k := b.level.columnsOf(op.C)
	flags := b.pastColumns(k, y)
	if residual != nil {
		flags |= flagResidual
	}
	if op.ReLU {
		flags |= flagRectify
	}
	coef := k.coef(b.batchAffine(op, x))
	b.parallel(op.R*op.C, k.grain(), func(lo, hi int) {
		k.blocks(lo, hi, flags, func(lo, hi, from, width int) {
			b.level.stream.normalize(y[lo:hi], x[lo:hi], part(residual, lo, hi), coef[3*from:], width, flags)
		})
	})
}

// part is elements lo..hi-1 of a slice that may be nil.
func part[T any](x []T, lo, hi int) []T {
	if x == nil {
		return nil
	}
	return x[lo:hi]
}

// batchAffine is batch norm as y = x·slope + high + low: the shift in two parts, since a rounded one would
// move the whole channel one way. It fills Mean and RStd, and in training moves the running statistics.
func (b *Backend) batchAffine(op kernels.BatchNorm, x []float32) (slope, high, low []float32) {
	mean, rstd, gamma, beta := floats(op.Mean), floats(op.RStd), floats(op.Gamma), floats(op.Beta)
	means, variances := b.batchStatistics(op, x)
	slope, high, low = make([]float32, op.C), make([]float32, op.C), make([]float32, op.C)
	b.parallel(op.C, channelGrain, func(lo, hi int) {
		for j := lo; j < hi; j++ {
			m, r := means[j], 1/math.Sqrt(variances[j]+op.Eps)
			mean[j], rstd[j] = float32(m), float32(r)
			slope[j] = float32(float64(gamma[j]) * r)
			high[j], low[j] = split(float64(beta[j]) - m*float64(slope[j]))
		}
	})
	return slope, high, low
}

// channelGrain is the number of channels whose parameters make a chunk: some 5 µs.
const channelGrain = 256

// split is v as a float32 and what its rounding left.
func split(v float64) (high, low float32) {
	high = float32(v)
	if math.IsInf(float64(high), 0) {
		return high, 0
	}
	return high, float32(v - float64(high))
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

// normalizeGo is y = x·slope + high + low, the planes of coef, plus the residual and rectified, as flags say.
func normalizeGo(y, x, residual, coef []float32, width, flags int) {
	const lanes = genericLanes
	forRows(len(y), width, func(at, n int) {
		for j := range n {
			p := coef[j/lanes*3*lanes+j%lanes:]
			z := float32(float64(x[at+j])*float64(p[0])+float64(p[lanes])) + p[2*lanes]
			if flags&flagResidual != 0 {
				z += residual[at+j]
			}
			if flags&flagRectify != 0 {
				z = masked(z, notNegative(z))
			}
			y[at+j] = z
		}
	})
}
