package ref

import (
	"math"

	"truegrain/kernels"
)

// LayerNorm normalises each row.
func (b *Backend[T]) LayerNorm(o kernels.LayerNorm) {
	x, gamma, beta := b.floats(o.X), b.floats(o.Gamma), b.floats(o.Beta)
	y, means, rstds := b.floats(o.Y), b.floats(o.Mean), b.floats(o.RStd)
	n := float64(o.D)
	for r := range o.R {
		row := x[r*o.D : (r+1)*o.D]
		var mean, variance float64
		for _, v := range row {
			mean += float64(v) / n
		}
		for _, v := range row {
			variance += (float64(v) - mean) * (float64(v) - mean) / n
		}
		rstd := 1 / math.Sqrt(variance+o.Eps)
		for d, v := range row {
			y[r*o.D+d] = T(float64(gamma[d])*(float64(v)-mean)*rstd + float64(beta[d]))
		}
		means[r], rstds[r] = T(mean), T(rstd)
	}
}

// LayerNormBackward has the formula at kernels.LayerNormGrad.
func (b *Backend[T]) LayerNormBackward(o kernels.LayerNormGrad) {
	x, gamma, dy, mean, rstd := b.floats(o.X), b.floats(o.Gamma), b.floats(o.DY),
		b.floats(o.Mean), b.floats(o.RStd)
	hat := func(i int) float64 { return (float64(x[i]) - float64(mean[i/o.D])) * float64(rstd[i/o.D]) }
	meanG, meanGX := make([]float64, o.R), make([]float64, o.R)
	dgamma, dbeta := make([]float64, o.D), make([]float64, o.D)
	for i, v := range dy {
		r, d := i/o.D, i%o.D
		g := float64(v) * float64(gamma[d])
		meanG[r] += g / float64(o.D)
		meanGX[r] += g * hat(i) / float64(o.D)
		dgamma[d] += float64(v) * hat(i)
		dbeta[d] += float64(v)
	}
	b.each(o.DX, func(i int) float64 {
		r := i / o.D
		return float64(rstd[r]) * (float64(dy[i])*float64(gamma[i%o.D]) - meanG[r] - hat(i)*meanGX[r])
	})
	b.each(o.DGamma, func(d int) float64 { return dgamma[d] })
	b.each(o.DBeta, func(d int) float64 { return dbeta[d] })
}
