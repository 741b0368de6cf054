//go:build !noasm

package cpu

var vmathAVX512 = vmath{
	exp:         expAVX512,
	rowMax:      rowMaxAVX512,
	rowExp:      rowExpAVX512,
	rowScale:    rowScaleAVX512,
	softmax:     softmaxAVX512,
	softmaxGrad: softmaxGradAVX512,
	gelu:        geluAVX512,
	geluGrad:    geluGradAVX512,
	sigmoid:     sigmoidAVX512,
	sigmoidGrad: sigmoidGradAVX512,
	dropout:     dropoutAVX512,
	layerNorm:   layerNorms{layerNormAVX512, layerNormGradAVX512, layerNormSumsAVX512},
	losses: losses{mseSumAVX512, bceSumAVX512, bceLogitsSumAVX512, mseGradAVX512, bceGradAVX512,
		bceLogitsGradAVX512, crossEntropyGradAVX512},
}

var vmathAVX2 = vmath{
	exp:         expAVX2,
	rowMax:      rowMaxAVX2,
	rowExp:      rowExpAVX2,
	rowScale:    rowScaleAVX2,
	softmax:     softmaxAVX2,
	softmaxGrad: softmaxGradAVX2,
	gelu:        geluAVX2,
	geluGrad:    geluGradAVX2,
	sigmoid:     sigmoidAVX2,
	sigmoidGrad: sigmoidGradAVX2,
	dropout:     dropoutAVX2,
	layerNorm:   layerNorms{layerNormAVX2, layerNormGradAVX2, layerNormSumsAVX2},
	losses: losses{mseSumAVX2, bceSumAVX2, bceLogitsSumAVX2, mseGradAVX2, bceGradAVX2, bceLogitsGradAVX2,
		crossEntropyGradAVX2},
}
