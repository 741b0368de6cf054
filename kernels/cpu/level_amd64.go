//go:build !noasm

package cpu

import "github.com/klauspost/cpuid/v2"

// levels, best first.
var levels = []*level{avx512, avx2, generic}

var avx512 = &level{
	name: "avx512",
	supported: func() bool {
		return cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512DQ, cpuid.AVX512VL, cpuid.BMI2)
	},
	width: 64,
	tiles: []tileSet{
		{16, [tileRows]tileKernel{tile1x16AVX512, tile2x16AVX512, tile3x16AVX512,
			tile4x16AVX512, tile5x16AVX512, tile6x16AVX512}},
		{32, [tileRows]tileKernel{tile1x32AVX512, tile2x32AVX512, tile3x32AVX512,
			tile4x32AVX512, tile5x32AVX512, tile6x32AVX512}},
		{48, [tileRows]tileKernel{tile1x48AVX512, tile2x48AVX512, tile3x48AVX512,
			tile4x48AVX512, tile5x48AVX512, tile6x48AVX512}},
		{64, [tileRows]tileKernel{tile1x64AVX512, tile2x64AVX512, tile3x64AVX512,
			tile4x64AVX512, tile5x64AVX512, tile6x64AVX512}},
	},
	lanes:     16,
	transpose: transposeAVX512,
	gather:    gatherAVX512,
	stream:    &streamAVX512,
	winograd: [2]winogradKernels{
		{winogradInput2AVX512, winogradOutput2AVX512, winogradFilter2AVX512, winogradGradient2AVX512,
			winogradWeights2AVX512},
		{winogradInput4AVX512, winogradOutput4AVX512, winogradFilter4AVX512, winogradGradient4AVX512,
			winogradWeights4AVX512},
	},
	peak:      peakAVX512,
	peakFLOPs: 12 * 2 * 16,
	vmath:     vmathAVX512,
	attention: attentionAVX512,
}

var avx2 = &level{
	name:      "avx2",
	supported: func() bool { return cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) },
	width:     16,
	tiles: []tileSet{
		{8, [tileRows]tileKernel{tile1x8AVX2, tile2x8AVX2, tile3x8AVX2,
			tile4x8AVX2, tile5x8AVX2, tile6x8AVX2}},
		{16, [tileRows]tileKernel{tile1x16AVX2, tile2x16AVX2, tile3x16AVX2,
			tile4x16AVX2, tile5x16AVX2, tile6x16AVX2}},
	},
	lanes:     8,
	transpose: transposeAVX2,
	gather:    gatherAVX2,
	stream:    &streamAVX2,
	winograd: [2]winogradKernels{
		{winogradInput2AVX2, winogradOutput2AVX2, winogradFilter2AVX2, winogradGradient2AVX2,
			winogradWeights2AVX2},
		{winogradInput4AVX2, winogradOutput4AVX2, winogradFilter4AVX2, winogradGradient4AVX2,
			winogradWeights4AVX2},
	},
	peak:      peakAVX2,
	peakFLOPs: 12 * 2 * 8,
	vmath:     vmathAVX2,
	attention: attentionAVX2,
}

// pairTiles are the kernels of AVX512_BF16, which not every processor with AVX-512 has.
var pairTiles = []tileSet{
	{16, [tileRows]tileKernel{tile1x16BF16, tile2x16BF16, tile3x16BF16,
		tile4x16BF16, tile5x16BF16, tile6x16BF16}},
	{32, [tileRows]tileKernel{tile1x32BF16, tile2x32BF16, tile3x32BF16,
		tile4x32BF16, tile5x32BF16, tile6x32BF16}},
	{48, [tileRows]tileKernel{tile1x48BF16, tile2x48BF16, tile3x48BF16,
		tile4x48BF16, tile5x48BF16, tile6x48BF16}},
	{64, [tileRows]tileKernel{tile1x64BF16, tile2x64BF16, tile3x64BF16,
		tile4x64BF16, tile5x64BF16, tile6x64BF16}},
}

func init() {
	if cpuid.CPU.Supports(cpuid.AVX512BF16) {
		avx512.pairTiles, avx512.round = pairTiles, roundBF16
	}
}
