package cpu

import "unsafe"

// streamKernels are the kernels whose time is that of moving their operands: each passes memory once. Slices
// of one call have the length of the first, which is written; flags are those of streamflags.go. Where a
// parameter belongs to a column, coef holds it (columns.go).
type streamKernels struct {
	add, multiply func(dst, a, b []float32, flags int)
	scale         func(dst, x []float32, alpha float32, flags int)
	fill          func(dst []float32, value float32, flags int)
	bias          func(dst, x, coef []float32, width, flags int)
	rectify       func(dst, x []float32, flags int)
	gate          func(dst, y, dy []float32, flags int)
	sgd           func(p, g []float32, lr, decay float32, flags int)
	momentum      func(p, g, v []float32, lr, momentum, decay float32, flags int)
	adam          func(p, g, m, v []float32, beta1, rest1, beta2, rest2, step, unbias, eps, decay,
		shrink float32, flags int)
	normalize    func(y, x, residual, coef []float32, width, step, flags int)
	normGradient func(dx, dy, y, x, branch, coef []float32, width, step, flags int)
	columnSums   func(sum, square *float64, x *float32, rows, cols, stride int)
	gradientSums func(sum, product *float64, dy, y, x *float32, rows, cols, stride, ahead, flags int)
	mix          func(dst, src *float32, reaches *reach, weights *float32, outputs, cols, step, flags int)
	maxPool      func(args *poolArgs)
	maxPoolIndex func(args *poolArgs)
	maxUnpool    func(args *poolArgs)
	sumPool      func(args *poolArgs)

	slide, slideWeights [groupSizes]func(args *depthwiseArgs) // by the logarithm of the channels of a group

	float64From32 func(dst []float64, src []float32)
	float32From64 func(dst []float32, src []float64)
	float32From16 func(dst []float32, src []uint16)
	float16From32 func(dst []uint16, src []float32)
}

var streamGo = streamKernels{
	add: addGo, multiply: multiplyGo, scale: scaleGo, fill: fillGo, bias: biasGo,
	rectify: rectifyGo, gate: gateGo,
	sgd: sgdGo, momentum: momentumGo, adam: adamGo,
	normalize: normalizeGo, normGradient: normGradientGo, columnSums: columnSumsGo,
	gradientSums: gradientSumsGo, mix: mixGo, maxPool: maxPoolGo, maxPoolIndex: maxPoolIndexGo,
	maxUnpool:     maxUnpoolGo,
	sumPool:       sumPoolGo,
	slide:         [groupSizes]func(*depthwiseArgs){slideGo, slideGo, slideGo, slideGo, slideGo},
	slideWeights:  [groupSizes]func(*depthwiseArgs){slideWeightsGo, slideWeightsGo, slideWeightsGo, slideWeightsGo, slideWeightsGo},
	float64From32: float64From32Go, float32From64: float32From64Go,
	float32From16: float32From16Go, float16From32: float16From32Go,
}

// pastBytes is the size of an output from which on stores go past the caches: it would not stay in them until
// the next op reads it, and a store through them reads memory first.
const pastBytes = 16 << 20

// past is flagPast for a large output that lies on a cache line, else 0.
func (b *Backend) past(out []float32) int {
	if !b.choices.past.or(4*len(out) >= pastBytes) || uintptr(unsafe.Pointer(unsafe.SliceData(out)))%64 != 0 {
		return 0
	}
	return flagPast
}
