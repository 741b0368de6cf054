package cpu

import (
	"math"
	"unsafe"

	"truegrain/kernels"
)

// expRow writes exp(x − max x) to y, which may be x, and returns the maximum and the sum of what it wrote.
func (m *vmath) expRow(y, x []float32) (peak float32, sum float64) {
	peak = float32(math.Inf(-1))
	pieces(len(x), func(lo, n int) { peak = max(peak, m.rowMax(&x[lo], n)) })
	pieces(len(x), func(lo, n int) { sum += m.rowExp(&y[lo], &x[lo], n, peak) })
	return peak, sum
}

// softmaxRow writes the softmax of x to y, which may be x, and returns log Σ exp x.
func (m *vmath) softmaxRow(y, x []float32) (lse float64) {
	if len(x) == 0 {
		return math.Inf(-1)
	}
	if len(x) <= kernelGrain {
		peak, sum := m.softmax(&y[0], &x[0], nil, len(x), 1, 0)
		return float64(peak) + math.Log(sum)
	}
	peak, sum := m.expRow(y, x)
	pieces(len(x), func(lo, n int) { m.rowScale(&y[lo], n, float32(1/sum)) })
	return float64(peak) + math.Log(sum)
}

// pieces calls f on pieces of n elements that are short enough for one call of a kernel.
func pieces(n int, f func(lo, n int)) {
	for lo := 0; lo < n; lo += kernelGrain {
		f(lo, min(kernelGrain, n-lo))
	}
}

// Softmax normalises the exponentials of each row.
func (b *Backend) Softmax(op kernels.Softmax) {
	exactly("Softmax", "X", op.X, op.R*op.D)
	exactly("Softmax", "Y", op.Y, op.R*op.D)
	x, y := floats(op.X), floats(op.Y)
	d, m := op.D, &b.level.vmath
	if d == 0 {
		return
	}
	flags := b.past(y)
	b.parallel(op.R, rowGrain(d), func(lo, hi int) {
		if d > kernelGrain {
			m.softmaxRow(y[lo*d:][:d], x[lo*d:][:d]) // such rows are chunks of their own
			return
		}
		room := b.scratch.get(d)
		m.softmax(&y[lo*d], &x[lo*d], &room[0], d, hi-lo, flags)
		b.scratch.put(room)
	})
}

// SoftmaxBackward is dx = y·(dy − Σ dy·y).
func (b *Backend) SoftmaxBackward(op kernels.SoftmaxGrad) {
	if !op.DX.Wanted() || op.D == 0 {
		return
	}
	exactly("SoftmaxBackward", "Y", op.Y, op.R*op.D)
	exactly("SoftmaxBackward", "DY", op.DY, op.R*op.D)
	exactly("SoftmaxBackward", "DX", op.DX.Buf, op.R*op.D)
	y, dy, dx, d := floats(op.Y), floats(op.DY), floats(op.DX.Buf), op.D
	kernel, flags := b.level.vmath.softmaxGrad, b.storing(op.DX, d)
	if d > kernelGrain {
		kernel = softmaxGradGo
	}
	b.parallel(op.R, rowGrain(d), func(lo, hi int) {
		kernel(&dx[lo*d], &dy[lo*d], &y[lo*d], d, hi-lo, flags)
	})
}

// dot64 is Σ x·y, gathered in float64.
func dot64(x, y []float32) (sum float64) {
	for i, v := range x {
		sum += float64(v) * float64(y[i])
	}
	return sum
}

// rowMaxGo is max x, −Inf for n = 0. Where x has NaN the result may be that or the largest of the others.
func rowMaxGo(x *float32, n int) float32 {
	peak := float32(math.Inf(-1))
	for _, v := range unsafe.Slice(x, n) {
		peak = max(peak, v)
	}
	return peak
}

// rowExpGo writes y = exp(x − peak), for a peak that no x exceeds, and is the sum of that.
func rowExpGo(y, x *float32, n int, peak float32) (sum float64) {
	out := unsafe.Slice(y, n)
	for i, v := range unsafe.Slice(x, n) {
		e := exp32(v - peak)
		out[i] = e
		sum += float64(e)
	}
	return sum
}

// rowScaleGo is y = y·s.
func rowScaleGo(y *float32, n int, s float32) {
	out := unsafe.Slice(y, n)
	for i := range out {
		out[i] *= s
	}
}

// softmaxGo writes the softmax of each row; peak and sum are of the last.
func softmaxGo(y, x, _ *float32, d, rows, _ int) (peak float32, sum float64) {
	in, out := unsafe.Slice(x, rows*d), unsafe.Slice(y, rows*d)
	for r := 0; r < rows*d; r += d {
		peak = rowMaxGo(&in[r], d)
		sum = rowExpGo(&out[r], &in[r], d, peak)
		rowScaleGo(&out[r], d, float32(1/sum))
	}
	return peak, sum
}

// softmaxGradGo is dx = y·(dy − Σ dy·y) for each row.
func softmaxGradGo(dx, dy, y *float32, d, rows, flags int) {
	for r := range rows {
		p, g := unsafe.Slice(y, rows*d)[r*d:][:d], unsafe.Slice(dy, rows*d)[r*d:][:d]
		out := unsafe.Slice(dx, rows*d)[r*d:][:d]
		dot := float32(dot64(p, g))
		for i, v := range p {
			put(&out[i], v*(g[i]-dot), flags)
		}
	}
}
