package cpu

import (
	"math"

	"truegrain/kernels"
)

// span is the part lo..hi-1 of the taps of a window of k, starting at start and d apart, that lies in 0..n-1.
func span(start, k, d, n int) (lo, hi int) {
	if start < 0 {
		lo = (-start + d - 1) / d
	}
	return min(lo, k), min(k, max(lo, (n-start+d-1)/d))
}

// MaxPool2D takes the first largest element of each window, all channels of a position together.
func (b *Backend) MaxPool2D(op kernels.MaxPool2D) {
	x, y, index := floats(op.X), floats(op.Y), kernels.Floats[int32](op.Index)
	c := op.C
	b.parallel(op.B*op.OH, rowGrain(op.OW*c*op.KH*op.KW), func(lo, hi int) {
		where := make([]int32, c)
		for r := lo; r < hi; r++ {
			n, i := r/op.OH, r%op.OH
			top := i*op.StrideH - op.PadH
			p0, p1 := span(top, op.KH, op.DilH, op.H)
			for j := range op.OW {
				left := j*op.StrideW - op.PadW
				q0, q1 := span(left, op.KW, op.DilW, op.W)
				at := (r*op.OW + j) * c
				out := y[at:][:c]
				if index != nil {
					where = index[at:][:c]
				}
				clearWinners(out, where)
				for p := p0; p < p1; p++ {
					row := top + p*op.DilH
					for q := q0; q < q1; q++ {
						col := left + q*op.DilW
						win(out, where, x[((n*op.H+row)*op.W+col)*c:][:c], int32(row*op.W+col))
					}
				}
			}
		}
	})
}

func clearWinners(out []float32, where []int32) {
	for i := range out {
		out[i], where[i] = float32(math.Inf(-1)), -1
	}
}

// win replaces the winners that the elements of one position beat; a NaN beats all, and the first one stays.
func win(out []float32, where []int32, x []float32, position int32) {
	for i, v := range x {
		if v > out[i] || where[i] < 0 || v != v && out[i] == out[i] {
			out[i], where[i] = v, position
		}
	}
}

// MaxPool2DBackward sends dy to the winners, picture by picture, in the order of the windows.
func (b *Backend) MaxPool2DBackward(op kernels.MaxPool2DGrad) {
	if !op.DX.Wanted() {
		return
	}
	dy, dx, index := floats(op.DY), b.zeroed(op.DX), kernels.Floats[int32](op.Index)
	in, out, c := op.H*op.W*op.C, op.OH*op.OW*op.C, op.C
	b.parallel(op.B, 1, func(n, _ int) {
		picture := dx[n*in:][:in]
		for at := n * out; at < (n+1)*out; at += c {
			for k, w := range index[at:][:c] {
				if w >= 0 {
					picture[int(w)*c+k] += dy[at+k]
				}
			}
		}
	})
}
