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
	a := affine{BatchNorm: op, sums: kernels.Floats[float64](op.Sums)}
	if op.Train && a.sums == nil {
		a.sums = make([]float64, 2*op.C)
		b.columnSums(x, op.R, op.C, a.sums[:op.C], a.sums[op.C:])
	}
	coef := k.coef(b.affineOf(&a))
	b.parallelBack(op.R*op.C, k.grain(), func(lo, hi int) {
		k.blocks(lo, hi, flags, func(lo, hi, from, width int) {
			b.level.stream.normalize(y[lo:hi], x[lo:hi], part(residual, lo, hi), coef[3*from:],
				width, k.width, flags)
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

// affine is batch norm as y = x·slope + high + low: the shift in two parts, since a rounded one would move
// the whole channel one way. sums is Σx and Σx² of the channels, in training.
type affine struct {
	kernels.BatchNorm
	sums []float64
}

func (b *Backend) affineOf(a *affine) (slope, high, low []float32) {
	slope, high, low = make([]float32, a.C), make([]float32, a.C), make([]float32, a.C)
	b.parallel(a.C, channelGrain, func(lo, hi int) { a.fill(slope[lo:hi], high[lo:hi], low[lo:hi], lo) })
	return slope, high, low
}

// fill is the map of the channels from one on. It fills Mean and RStd, and in training moves the running
// statistics.
func (a *affine) fill(slope, high, low []float32, from int) {
	mean, rstd, gamma, beta := floats(a.Mean), floats(a.RStd), floats(a.Gamma), floats(a.Beta)
	for i := range slope {
		j := from + i
		m, v := a.statistics(j)
		r := 1 / math.Sqrt(v+a.Eps)
		mean[j], rstd[j] = float32(m), float32(r)
		slope[i] = float32(float64(gamma[j]) * r)
		high[i], low[i] = split(float64(beta[j]) - m*float64(slope[i]))
	}
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

// statistics is the mean and the variance to normalise a channel by.
func (a *affine) statistics(j int) (mean, variance float64) {
	runMean, runVar := floats(a.RunningMean), floats(a.RunningVar)
	if !a.Train {
		return float64(runMean[j]), float64(runVar[j])
	}
	n := float64(max(a.R, 1))
	mean = a.sums[j] / n
	variance = max(0, a.sums[a.C+j]/n-mean*mean)
	if runMean != nil && a.R > 0 {
		move := func(run *float32, batch float64) {
			*run = float32((1-a.Momentum)*float64(*run) + a.Momentum*batch)
		}
		move(&runMean[j], mean)
		move(&runVar[j], variance*n/max(n-1, 1))
	}
	return mean, variance
}

// normalizeGo is y = x·slope + high + low, the planes of coef, plus the residual and rectified, as flags say,
// for rows of width elements that begin step elements apart.
func normalizeGo(y, x, residual, coef []float32, width, step, flags int) {
	const lanes = genericLanes
	forRows(len(y), width, step, func(at, n int) {
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
