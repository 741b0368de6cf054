package cpu

import "truegrain/kernels"

// vmath is the kernels of exponential functions and their kin. One call gets at most kernelGrain elements;
// there may be none. flags are those of streamflags.go: flagPast, and for gradients flagAdd.
type vmath struct {
	exp         func(y, x *float32, n int)
	rowMax      func(x *float32, n int) float32
	rowExp      func(y, x *float32, n int, peak float32) float64
	rowScale    func(y *float32, n int, s float32)
	softmax     func(y, x, room *float32, d, rows, flags int) (peak float32, sum float64)
	softmaxGrad func(dx, dy, y *float32, d, rows, flags int)
	gelu        func(y, x *float32, n, flags int)
	geluGrad    func(dx, dy, x *float32, n, flags int)
	sigmoid     func(y, x *float32, n, flags int)
	sigmoidGrad func(dx, dy, y *float32, n, flags int)
	dropout     dropKernel
	layerNorm   layerNorms
	losses      losses
}

// kernelGrain is the number of elements that are given to one call of assembly, which can't be interrupted:
// it takes less than 100 µs.
const kernelGrain = 1 << 15

var vmathGo = vmath{
	exp:         expGo,
	rowMax:      rowMaxGo,
	rowExp:      rowExpGo,
	rowScale:    rowScaleGo,
	softmax:     softmaxGo,
	softmaxGrad: softmaxGradGo,
	gelu:        geluGo,
	geluGrad:    geluGradGo,
	sigmoid:     sigmoidGo,
	sigmoidGrad: sigmoidGradGo,
	dropout:     dropoutGo,
	layerNorm:   layerNormGo,
	losses:      lossesGo,
}

// storing is the flags of a kernel that writes a gradient, of rows of d elements.
func (b *Backend) storing(g kernels.Grad, d int) int {
	if g.Acc {
		return flagAdd
	}
	return b.pastRows(floats(g.Buf), d)
}

// pastRows is flagPast for a large output of rows of d elements that fill whole cache lines.
func (b *Backend) pastRows(out []float32, d int) int {
	if d%16 != 0 {
		return 0
	}
	return b.past(out)
}

// transform is y = kernel(x), chunk by chunk.
func (b *Backend) transform(op string, y, x kernels.Buf, n int, kernel func(y, x *float32, n, flags int)) {
	exactly(op, "X", x, n)
	exactly(op, "Y", y, n)
	out, in := floats(y), floats(x)
	flags := b.past(out)
	b.elements(n, func(lo, hi int) { kernel(&out[lo], &in[lo], hi-lo, flags) })
}

// slope is a wanted gradient dx (+)= kernel(dy, x), chunk by chunk, x being what the derivative is a function
// of.
func (b *Backend) slope(
	op string, g kernels.Grad, dy, x kernels.Buf, n int, kernel func(dx, dy, x *float32, n, flags int),
) {
	if !g.Wanted() {
		return
	}
	exactly(op, "DX", g.Buf, n)
	exactly(op, "DY", dy, n)
	exactly(op, "X", x, n)
	out, in, at := floats(g.Buf), floats(dy), floats(x)
	flags := b.storing(g, 16)
	b.elements(n, func(lo, hi int) { kernel(&out[lo], &in[lo], &at[lo], hi-lo, flags) })
}

// put writes v to an element of a gradient, or adds it.
func put(to *float32, v float32, flags int) {
	if flags&flagAdd != 0 {
		v += *to
	}
	*to = v
}
