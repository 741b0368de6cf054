package cpu

import (
	"math"
	"unsafe"

	"truegrain/kernels"
)

// layerNorms is the kernels of layer norm, flags as in vmath.
type layerNorms struct {
	forward func(y, x, gamma, beta, mean, rstd *float32, room *float64, d, rows int, eps float64, flags int)
	grad    func(dx, dy, x, gamma, mean, rstd *float32, d, rows, flags int)
	sums    func(sum, dot *float64, dy, x, mean, rstd *float32, d, rows int)
}

var layerNormGo = layerNorms{layerNormForwardGo, layerNormGradGo, layerNormSumsGo}

// The sums over rows follow upon the gradient of some rows, sumsElements elements that are still in the first
// cache; sumsRows at most are added in float32.
const sumsElements, sumsRows = 4 << 10, 8

// layerNorms is the kernels for rows of d elements: the Go version for those that would take assembly too
// long.
func (l *level) layerNorms(d int) *layerNorms {
	if d > kernelGrain {
		return &layerNormGo
	}
	return &l.vmath.layerNorm
}

// LayerNorm normalises each row.
func (b *Backend) LayerNorm(op kernels.LayerNorm) {
	checkLayerNorm("LayerNorm", op)
	exactly("LayerNorm", "Y", op.Y, op.R*op.D)
	exactly("LayerNorm", "Beta", op.Beta, op.D)
	if op.D > 0 {
		over(b, op.R, rowGrain(op.D), op, (*Backend).layerNorm)
	}
}

func (b *Backend) layerNorm(op *kernels.LayerNorm, lo, hi int) {
	x, gamma, beta := floats(op.X), floats(op.Gamma), floats(op.Beta)
	y, mean, rstd, d := floats(op.Y), floats(op.Mean), floats(op.RStd), op.D
	room := b.scratch64(layerNormRoom(d))
	b.level.layerNorms(d).forward(&y[lo*d], &x[lo*d], &gamma[0], &beta[0], &mean[lo], &rstd[lo], &room.x[0],
		d, hi-lo, op.Eps, b.pastRows(y, d))
	b.scratch.put(room.held)
}

// layerNormRoom is the float64 that the forward kernel needs for rows of d elements: gamma and beta, in whole
// vectors.
func layerNormRoom(d int) int { return 2 * roundUp(d, 16) }

func checkLayerNorm(name string, op kernels.LayerNorm) {
	exactly(name, "X", op.X, op.R*op.D)
	exactly(name, "Gamma", op.Gamma, op.D)
	exactly(name, "Mean", op.Mean, op.R)
	exactly(name, "RStd", op.RStd, op.R)
}

// LayerNormBackward passes the rows once, part by part: dx of some rows, and while these are in the cache,
// their part of dgamma and dbeta. Partial sums are added in their order.
func (b *Backend) LayerNormBackward(op kernels.LayerNormGrad) {
	checkLayerNorm("LayerNormBackward", op.LayerNorm)
	exactly("LayerNormBackward", "DY", op.DY, op.R*op.D)
	d := op.D
	if d == 0 {
		return
	}
	step := max((op.R+sumParts-1)/sumParts, rowGrain(2*d))
	parts := (op.R + step - 1) / step
	partial := b.scratch64(max(parts, 1) * 2 * d)
	defer b.scratch.put(partial.held)
	b.chunks(parts, func(i int) {
		sums := partial.x[2*i*d:][:2*d]
		clear(sums)
		grain := max(1, sumsElements/d)
		for lo, end := i*step, min(op.R, (i+1)*step); lo < end; lo += grain {
			b.layerNormRows(op, lo, min(end, lo+grain), sums)
		}
	})
	if parts == 0 {
		clear(partial.x)
	}
	b.parallel(2*d, 512, func(lo, hi int) {
		if parts > 1 {
			addParts(partial.x[lo:hi], partial.x[2*d+lo:], 2*d, parts-1)
		}
	})
	giveSums(op.DGamma, partial.x[d:2*d])
	giveSums(op.DBeta, partial.x[:d])
}

// layerNormRows is the gradients' part of the rows lo..hi-1, sums those of dy and, behind them, of dy·x̂.
func (b *Backend) layerNormRows(op kernels.LayerNormGrad, lo, hi int, sums []float64) {
	x, gamma, dy, dx := floats(op.X), floats(op.Gamma), floats(op.DY), floats(op.DX.Buf)
	mean, rstd, d := floats(op.Mean), floats(op.RStd), op.D
	m := b.level.layerNorms(d)
	if op.DX.Wanted() {
		m.grad(&dx[lo*d], &dy[lo*d], &x[lo*d], &gamma[0], &mean[lo], &rstd[lo], d, hi-lo, b.storing(op.DX, d))
	}
	if !op.DGamma.Wanted() && !op.DBeta.Wanted() {
		return
	}
	for ; lo < hi; lo += sumsRows {
		m.sums(&sums[0], &sums[d], &dy[lo*d], &x[lo*d], &mean[lo], &rstd[lo], d, min(sumsRows, hi-lo))
	}
}

// layerNormForwardGo is y = gamma·(x − mean)·rstd + beta for each row, rounded once: a rounded mean would
// move the whole row one way.
func layerNormForwardGo(
	y, x, gamma, beta, mean, rstd *float32, _ *float64, d, rows int, eps float64, _ int,
) {
	g, b := unsafe.Slice(gamma, d), unsafe.Slice(beta, d)
	for r := range rows {
		in, out := unsafe.Slice(x, rows*d)[r*d:][:d], unsafe.Slice(y, rows*d)[r*d:][:d]
		m, s := rowStatistics(in, eps)
		unsafe.Slice(mean, rows)[r], unsafe.Slice(rstd, rows)[r] = float32(m), float32(s)
		for j, v := range in {
			out[j] = float32(float64(g[j])*(float64(v)-m)*s + float64(b[j]))
		}
	}
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

// layerNormGradGo is dx = rstd·(g − a − x̂·s) for each row, g = gamma·dy, a the mean of g, s that of g·x̂.
func layerNormGradGo(dx, dy, x, gamma, mean, rstd *float32, d, rows, flags int) {
	w := unsafe.Slice(gamma, d)
	for r := range rows {
		in, g := unsafe.Slice(x, rows*d)[r*d:][:d], unsafe.Slice(dy, rows*d)[r*d:][:d]
		out := unsafe.Slice(dx, rows*d)[r*d:][:d]
		m, k := unsafe.Slice(mean, rows)[r], unsafe.Slice(rstd, rows)[r]
		var sum, dot float64
		for j, v := range g {
			sum += float64(v * w[j])
			dot += float64(v*w[j]) * float64((in[j]-m)*k)
		}
		a, s := float32(sum/float64(d)), float32(dot/float64(d))
		for j, v := range g {
			put(&out[j], k*(v*w[j]-a-(in[j]-m)*k*s), flags)
		}
	}
}

// layerNormSumsGo adds dy, and dy·x̂, over some rows to sums in float64.
func layerNormSumsGo(sum, dot *float64, dy, x, mean, rstd *float32, d, rows int) {
	s, q := unsafe.Slice(sum, d), unsafe.Slice(dot, d)
	for r := range rows {
		in, m, k := unsafe.Slice(x, rows*d)[r*d:][:d], unsafe.Slice(mean, rows)[r],
			unsafe.Slice(rstd, rows)[r]
		for j, v := range unsafe.Slice(dy, rows*d)[r*d:][:d] {
			s[j] += float64(v)
			q[j] += float64(v) * float64((in[j]-m)*k)
		}
	}
}
