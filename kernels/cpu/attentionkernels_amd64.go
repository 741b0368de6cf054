//go:build !noasm

package cpu

var attentionAVX512 = attentionKernels{
	softmax:   softmaxColumnsAVX512,
	gradient:  gradientColumnsAVX512,
	scaleRows: scaleRowsAVX512,
	addRows:   addRowsAVX512,
	dotRows:   dotRowsAVX512,
}

var attentionAVX2 = attentionKernels{
	softmax:   softmaxColumnsAVX2,
	gradient:  gradientColumnsAVX2,
	scaleRows: scaleRowsAVX2,
	addRows:   addRowsAVX2,
	dotRows:   dotRowsAVX2,
}
