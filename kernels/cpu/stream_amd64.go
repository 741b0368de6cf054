//go:build !noasm

package cpu

var streamAVX512 = streamKernels{
	add: addAVX512, multiply: multiplyAVX512, scale: scaleAVX512, fill: fillAVX512, bias: biasAVX512,
	rectify: rectifyAVX512, gate: gateAVX512,
	sgd: sgdAVX512, momentum: momentumAVX512, adam: adamAVX512,
	normalize: normalizeAVX512, normGradient: normGradientAVX512,
	columnSums: columnSumsAVX512, gradientSums: gradientSumsAVX512,
	mix: mixAVX512, maxPool: maxPoolAVX512, maxPoolIndex: maxPoolIndexAVX512, maxUnpool: maxUnpoolAVX512,
	sumPool: sumPoolAVX512,
	slide:   [groupSizes]func(*depthwiseArgs){slide1AVX512, slide2AVX512, slide4AVX512, slide8AVX512},
	slideWeights: [groupSizes]func(*depthwiseArgs){slideWeights1AVX512, slideWeights2AVX512, slideWeights4AVX512,
		slideWeights8AVX512, slideWeights16AVX512},
	float64From32: float64From32AVX512, float32From64: float32From64AVX512,
	float32From16: float32From16AVX512, float16From32: float16From32AVX512,
}

var streamAVX2 = streamKernels{
	add: addAVX2, multiply: multiplyAVX2, scale: scaleAVX2, fill: fillAVX2, bias: biasAVX2,
	rectify: rectifyAVX2, gate: gateAVX2,
	sgd: sgdAVX2, momentum: momentumAVX2, adam: adamAVX2,
	normalize: normalizeAVX2, normGradient: normGradientAVX2,
	columnSums: columnSumsAVX2, gradientSums: gradientSumsAVX2,
	mix: mixAVX2, maxPool: maxPoolAVX2, maxPoolIndex: maxPoolIndexAVX2, maxUnpool: maxUnpoolAVX2,
	sumPool: sumPoolAVX2,
	slide:   [groupSizes]func(*depthwiseArgs){slide1AVX2, slide2AVX2, slide4AVX2},
	slideWeights: [groupSizes]func(*depthwiseArgs){slideWeights1AVX2, slideWeights2AVX2, slideWeights4AVX2,
		slideWeights8AVX2},
	float64From32: float64From32AVX2, float32From64: float32From64AVX2,
	float32From16: float32From16AVX2, float16From32: float16From32AVX2,
}
