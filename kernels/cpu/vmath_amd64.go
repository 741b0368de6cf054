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
}
