//go:build !noasm

package cpu

var vmathAVX512 = vmath{
	exp:      expAVX512,
	rowMax:   rowMaxAVX512,
	rowExp:   rowExpAVX512,
	rowScale: rowScaleAVX512,
	softmax:  softmaxAVX512,
}

var vmathAVX2 = vmath{
	exp:      expAVX2,
	rowMax:   rowMaxAVX2,
	rowExp:   rowExpAVX2,
	rowScale: rowScaleAVX2,
	softmax:  softmaxAVX2,
}
