package cpu

import "truegrain/kernels"

// vmath is the kernels of exponential functions and their kin. One call gets at most kernelGrain elements; there
// may be none. Gradients come in two versions, by accumulates: written, and added to what is there.
type vmath struct {
	exp         func(y, x *float32, n int)
	rowMax      func(x *float32, n int) float32
	rowExp      func(y, x *float32, n int, peak float32) float64
	rowScale    func(y *float32, n int, s float32)
	softmax     func(y, x *float32, d, rows int) (peak float32, sum float64)
	gelu        func(y, x *float32, n int)
	geluGrad    [2]func(dx, dy, x *float32, n int)
	sigmoid     func(y, x *float32, n int)
	sigmoidGrad [2]func(dx, dy, y *float32, n int)
	softmaxGrad [2]func(dx, dy, y *float32, d, rows int)
	dropout     [2]dropKernel
	layerNorm   layerNorms
}

// kernelGrain is the number of elements that are given to one call of assembly, which can't be interrupted: it
// takes less than 100 µs.
const kernelGrain = 1 << 15

var vmathGo = vmath{
	exp:         expGo,
	rowMax:      rowMaxGo,
	rowExp:      rowExpGo,
	rowScale:    rowScaleGo,
	softmax:     softmaxGo,
	gelu:        geluGo,
	geluGrad:    [2]func(dx, dy, x *float32, n int){geluGradGo(false), geluGradGo(true)},
	sigmoid:     sigmoidGo,
	sigmoidGrad: [2]func(dx, dy, y *float32, n int){sigmoidGradGo(false), sigmoidGradGo(true)},
	softmaxGrad: [2]func(dx, dy, y *float32, d, rows int){softmaxGradGo(false), softmaxGradGo(true)},
	dropout:     [2]dropKernel{dropoutGo(false), dropoutGo(true)},
	layerNorm:   layerNormGo,
}

// accumulates is the index of a gradient's kernel.
func accumulates(acc bool) int {
	if acc {
		return 1
	}
	return 0
}

// map1 is y = kernel(x), chunk by chunk.
func (b *Backend) map1(op string, y, x kernels.Buf, n int, kernel func(y, x *float32, n int)) {
	exactly(op, "X", x, n)
	exactly(op, "Y", y, n)
	out, in := floats(y), floats(x)
	b.elements(n, func(lo, hi int) { kernel(&out[lo], &in[lo], hi-lo) })
}

// slope is a wanted gradient dx (+)= kernel(dy, x), chunk by chunk, x being what the derivative is a function of.
func (b *Backend) slope(
	op string, g kernels.Grad, dy, x kernels.Buf, n int, kernel [2]func(dx, dy, x *float32, n int),
) {
	if !g.Wanted() {
		return
	}
	exactly(op, "DX", g.Buf, n)
	exactly(op, "DY", dy, n)
	exactly(op, "X", x, n)
	out, in, at := floats(g.Buf), floats(dy), floats(x)
	f := kernel[accumulates(g.Acc)]
	b.elements(n, func(lo, hi int) { f(&out[lo], &in[lo], &at[lo], hi-lo) })
}

// put writes v to a gradient, or adds it.
func put(to *float32, v float32, acc bool) {
	if acc {
		v += *to
	}
	*to = v
}
