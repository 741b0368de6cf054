package ref

import (
	"math"

	"truegrain/kernels"
)

// logSumExp is log Σ exp x, shifted by the maximum.
func logSumExp(x []float64) float64 {
	m := math.Inf(-1)
	for _, v := range x {
		m = max(m, v)
	}
	if math.IsInf(m, -1) {
		return m
	}
	var s float64
	for _, v := range x {
		s += math.Exp(v - m)
	}
	return m + math.Log(s)
}

// row is one row in float64.
func (b *Backend[T]) row(x kernels.Buf, r, d int) []float64 {
	out := make([]float64, d)
	for i, v := range b.floats(x)[r*d : (r+1)*d] {
		out[i] = float64(v)
	}
	return out
}

// Softmax is exp(x − log Σ exp x), row by row.
func (b *Backend[T]) Softmax(o kernels.Softmax) {
	y := b.floats(o.Y)
	for r := range o.R {
		x := b.row(o.X, r, o.D)
		lse := logSumExp(x)
		for d, v := range x {
			y[r*o.D+d] = T(math.Exp(v - lse))
		}
	}
}

// SoftmaxBackward is dx = y·(dy − Σ dy·y).
func (b *Backend[T]) SoftmaxBackward(o kernels.SoftmaxGrad) {
	y, dy := b.floats(o.Y), b.floats(o.DY)
	dot := make([]float64, o.R)
	for i, g := range dy {
		dot[i/o.D] += float64(g) * float64(y[i])
	}
	b.each(o.DX, func(i int) float64 { return float64(y[i]) * (float64(dy[i]) - dot[i/o.D]) })
}
