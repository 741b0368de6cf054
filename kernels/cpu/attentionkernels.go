package cpu

import "math"

// attentionKernels are the parts of attention beside the products. Scores lie transposed, a row for every key
// and a column for every query, so that maxima and sums over keys need no work across the lanes of a vector;
// the kernels for scores take 16 columns at a time. Strides are in elements.
type attentionKernels struct {
	// softmax turns scores into exp(scale·x − shift), shift = scale·max of a column, and sums up each column.
	softmax func(x, shift, sum *float32, rows, stride int, scale float32)
	// gradient turns scores s into probabilities p = exp(scale·s − lse), and dp into p·(scale·dp − delta).
	gradient func(s, dp, lse, delta *float32, rows, stride int, scale float32)
	// scaleRows is dst[r][c] = factor[r·factorStep]·src[r][c]; addRows adds that.
	scaleRows func(dst, src, factor *float32, rows, cols, dstStride, srcStride, factorStep int)
	addRows   func(dst, src, factor *float32, rows, cols, dstStride, srcStride, factorStep int)
	// dotRows is dst[r] = scale·Σ_c a[r][c]·b[r][c].
	dotRows func(dst, a, b *float32, rows, cols, aStride, bStride int, scale float32)
}

var attentionGo = attentionKernels{
	softmax:   softmaxColumnsGo,
	gradient:  gradientColumnsGo,
	scaleRows: scaleRowsGo,
	addRows:   addRowsGo,
	dotRows:   dotRowsGo,
}

func softmaxColumnsGo(x, shift, sum *float32, rows, stride int, scale float32) {
	peak, total := rowAt(shift, 0, columnStep), rowAt(sum, 0, columnStep)
	for j := range columnStep {
		peak[j], total[j] = float32(math.Inf(-1)), 0
	}
	for r := range rows {
		for j, v := range rowAt(x, 4*r*stride, columnStep) {
			peak[j] = max(peak[j], v)
		}
	}
	for j := range columnStep {
		peak[j] *= scale
	}
	for r := range rows {
		row := rowAt(x, 4*r*stride, columnStep)
		for j, v := range row {
			row[j] = exp32(v*scale - peak[j])
			total[j] += row[j]
		}
	}
}

func gradientColumnsGo(s, dp, lse, delta *float32, rows, stride int, scale float32) {
	shift, less := rowAt(lse, 0, columnStep), rowAt(delta, 0, columnStep)
	for r := range rows {
		p, d := rowAt(s, 4*r*stride, columnStep), rowAt(dp, 4*r*stride, columnStep)
		for j, v := range p {
			p[j] = exp32(v*scale - shift[j])
			d[j] = p[j] * (d[j]*scale - less[j])
		}
	}
}

func scaleRowsGo(dst, src, factor *float32, rows, cols, dstStride, srcStride, factorStep int) {
	for r := range rows {
		f, to := rowAt(factor, 4*r*factorStep, 1)[0], rowAt(dst, 4*r*dstStride, cols)
		for c, v := range rowAt(src, 4*r*srcStride, cols) {
			to[c] = f * v
		}
	}
}

func addRowsGo(dst, src, factor *float32, rows, cols, dstStride, srcStride, factorStep int) {
	for r := range rows {
		f, to := rowAt(factor, 4*r*factorStep, 1)[0], rowAt(dst, 4*r*dstStride, cols)
		for c, v := range rowAt(src, 4*r*srcStride, cols) {
			to[c] += f * v
		}
	}
}

func dotRowsGo(dst, a, b *float32, rows, cols, aStride, bStride int, scale float32) {
	for r := range rows {
		sum := dot64(rowAt(a, 4*r*aStride, cols), rowAt(b, 4*r*bStride, cols))
		rowAt(dst, 4*r, 1)[0] = float32(sum) * scale
	}
}
