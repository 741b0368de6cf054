//go:build !noasm

package cpu

var vmathAVX512 = vmath{
	exp:         expAVX512,
	rowMax:      rowMaxAVX512,
	rowExp:      rowExpAVX512,
	rowScale:    rowScaleAVX512,
	softmax:     softmaxAVX512,
	gelu:        geluAVX512,
	geluGrad:    [2]func(dx, dy, x *float32, n int){geluGradAVX512, geluGradAccAVX512},
	sigmoid:     sigmoidAVX512,
	sigmoidGrad: [2]func(dx, dy, y *float32, n int){sigmoidGradAVX512, sigmoidGradAccAVX512},
	softmaxGrad: [2]func(dx, dy, y *float32, d, rows int){softmaxGradAVX512, softmaxGradAccAVX512},
	dropout:     [2]dropKernel{dropoutAVX512, dropoutAccAVX512},
	layerNorm: layerNorms{
		forward: layerNormAVX512,
		grad: [2]func(dx, dy, x, gamma, mean, rstd *float32, d, rows int){
			layerNormGradAVX512, layerNormGradAccAVX512},
		sums: layerNormSumsAVX512,
	},
}

var vmathAVX2 = vmath{
	exp:         expAVX2,
	rowMax:      rowMaxAVX2,
	rowExp:      rowExpAVX2,
	rowScale:    rowScaleAVX2,
	softmax:     softmaxAVX2,
	gelu:        geluAVX2,
	geluGrad:    [2]func(dx, dy, x *float32, n int){geluGradAVX2, geluGradAccAVX2},
	sigmoid:     sigmoidAVX2,
	sigmoidGrad: [2]func(dx, dy, y *float32, n int){sigmoidGradAVX2, sigmoidGradAccAVX2},
	softmaxGrad: [2]func(dx, dy, y *float32, d, rows int){softmaxGradAVX2, softmaxGradAccAVX2},
	dropout:     [2]dropKernel{dropoutAVX2, dropoutAccAVX2},
	layerNorm: layerNorms{
		forward: layerNormAVX2,
		grad: [2]func(dx, dy, x, gamma, mean, rstd *float32, d, rows int){
			layerNormGradAVX2, layerNormGradAccAVX2},
		sums: layerNormSumsAVX2,
	},
}
