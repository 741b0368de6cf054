package cpu

import (
	"math"

	"truegrain/kernels"
)

// LayerNorm normalises each row.
func (b *Backend) LayerNorm(op kernels.LayerNorm) {
	x, gamma, beta := floats(op.X), floats(op.Gamma), floats(op.Beta)
	y, means, rstds := floats(op.Y), floats(op.Mean), floats(op.RStd)
	d := op.D
	b.parallel(op.R, rowGrain(2*d), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			in, out := x[r*d:][:d], y[r*d:][:d]
			mean, rstd := rowStatistics(in, op.Eps)
			means[r], rstds[r] = float32(mean), float32(rstd)
			for j, v := range in { // a rounded mean would move the whole row one way
				out[j] = float32(float64(gamma[j])*(float64(v)-mean)*rstd + float64(beta[j]))
			}
		}
	})
}

// rowStatistics is the mean and 1/√(var + eps) of a row.
func rowStatistics(x []float32, eps float64) (mean, rstd float64) {
	var sum, squares float64
	for _, v := range x {
		sum += float64(v)
	}
	m := sum / float64(len(x))
	for _, v := range x {
		squares += (float64(v) - m) * (float64(v) - m)
	}
	return m, 1 / math.Sqrt(squares/float64(len(x))+eps)
}

// LayerNormBackward works row by row; dgamma and dbeta are partial sums over rows, added in their order.
func (b *Backend) LayerNormBackward(op kernels.LayerNormGrad) {
	b.layerNormDX(op)
	if !op.DGamma.Wanted() && !op.DBeta.Wanted() {
		return
	}
	x, dy, mean, rstd, d := floats(op.X), floats(op.DY), floats(op.Mean), floats(op.RStd), op.D
	sums := b.pairSums(op.R, d, func(r int, s, q []float64) {
		in, g := x[r*d:][:d], dy[r*d:][:d]
		for j, v := range g {
			s[j] += float64(v)
			q[j] += float64(v) * float64((in[j]-mean[r])*rstd[r])
		}
	})
	giveSums(op.DGamma, sums[d:])
	giveSums(op.DBeta, sums[:d])
}

func (b *Backend) layerNormDX(op kernels.LayerNormGrad) {
	if !op.DX.Wanted() {
		return
	}
	x, gamma, dy, dx := floats(op.X), floats(op.Gamma), floats(op.DY), floats(op.DX.Buf)
	mean, rstd, d := floats(op.Mean), floats(op.RStd), op.D
	b.parallel(op.R, rowGrain(2*d), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			in, g, out := x[r*d:][:d], dy[r*d:][:d], dx[r*d:][:d]
			var sum, dot float64
			for j, v := range g {
				w := float64(v * gamma[j])
				sum += w
				dot += w * float64((in[j]-mean[r])*rstd[r])
			}
			a, s := float32(sum/float64(d)), float32(dot/float64(d))
			for j, v := range g {
				grad := rstd[r] * (v*gamma[j] - a - (in[j]-mean[r])*rstd[r]*s)
				if op.DX.Acc {
					grad += out[j]
				}
				out[j] = grad
			}
		}
	})
}
