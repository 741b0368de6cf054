package cpu

import (
	"math"

	"truegrain/kernels"
)

// expRow writes exp(x − max x) and returns the maximum and the sum of what it wrote.
func expRow(y, x []float32) (peak float32, sum float64) {
	peak = float32(math.Inf(-1))
	for _, v := range x {
		peak = max(peak, v)
	}
	for i, v := range x {
		e := exp32(v - peak)
		y[i] = e
		sum += float64(e)
	}
	return peak, sum
}

// softmaxRow writes the softmax of x and returns log Σ exp x.
func softmaxRow(y, x []float32) (lse float64) {
	peak, sum := expRow(y, x)
	scale := float32(1 / sum)
	for i := range y {
		y[i] *= scale
	}
	return float64(peak) + math.Log(sum)
}

// Softmax normalises the exponentials of each row.
func (b *Backend) Softmax(op kernels.Softmax) {
	x, y := floats(op.X), floats(op.Y)
	d := op.D
	b.parallel(op.R, rowGrain(8*d), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			softmaxRow(y[r*d:][:d], x[r*d:][:d])
		}
	})
}

// SoftmaxBackward is dx = y·(dy − Σ dy·y).
func (b *Backend) SoftmaxBackward(op kernels.SoftmaxGrad) {
	if !op.DX.Wanted() {
		return
	}
	y, dy, dx := floats(op.Y), floats(op.DY), floats(op.DX.Buf)
	d := op.D
	b.parallel(op.R, rowGrain(d), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			p, g, out := y[r*d:][:d], dy[r*d:][:d], dx[r*d:][:d]
			dot := float32(dot64(p, g))
			for i, v := range p {
				grad := v * (g[i] - dot)
				if op.DX.Acc {
					grad += out[i]
				}
				out[i] = grad
			}
		}
	})
}

// dot64 is Σ x·y, gathered in float64.
func dot64(x, y []float32) (sum float64) {
	for i, v := range x {
		sum += float64(v) * float64(y[i])
	}
	return sum
}
