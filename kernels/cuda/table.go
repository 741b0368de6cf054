//lint:file-ignore U1000 the launch wrappers use the rows, under the tags cuda and emu

package cuda

import "embed"

//go:embed ptx/*.ptx
var ptxFiles embed.FS

// The drivers that read the modules' PTX, 8.0 and that of sm_90a, 8.3: those of CUDA 12.0 and 12.3.
const portableDriver, sm90Driver = 12000, 12030

// kernel is one entry of a module, as its source declares it.
type kernel struct {
	module string // the stem of its .cu
	entry  string
	// params has a letter for each: p a pointer, i and l integers of 4 and 8 bytes, f and d floats of 4 and 8,
	// s<n> a struct of n bytes.
	params string
	shared int // the most dynamic shared memory that a launch asks for, in bytes
}

// table is every kernel there is, for the tests.
var table []*kernel

func declare(module, entry, params string) *kernel {
	k := &kernel{module: module, entry: entry, params: params}
	table = append(table, k)
	return k
}

// typed is a kernel once per element type.
type typed struct{ f32, bf16 *kernel }

func declareTyped(module, entry, params string) typed {
	return typed{declare(module, entry+"_f32", params), declare(module, entry+"_bf16", params)}
}

// narrowing is a kernel once per element type, and from float32 to bfloat16.
type narrowing struct {
	typed
	half *kernel
}

func declareNarrowing(module, entry, params string) narrowing {
	return narrowing{declareTyped(module, entry, params), declare(module, entry+"_f32_bf16", params)}
}

// allow is the most dynamic shared memory that launches of the kernel ask for.
func (t typed) allow(bytes int) typed {
	t.f32.shared, t.bf16.shared = bytes, bytes
	return t
}

// attentionShared is the shared memory of a block of attention: panels of 64 tokens and tiles of 64x64, whose
// rows are 68 floats.
func attentionShared(panels, tiles, hd int) int { return 4 * 68 * (panels*hd + tiles*64) }

// attentionForwardShared adds the values, 64 rows of the widest head.
func attentionForwardShared(hd int) int { return attentionShared(2, 1, hd) + 4*64*maxHead }

// headed is a kernel once per width of heads that it fills up to.
type headed struct{ to64, to128 *kernel }

func declareHeaded(module, entry, params string, shared func(hd int) int) headed {
	k := headed{declare(module, entry+"_64", params), declare(module, entry+"_128", params)}
	k.to64.shared, k.to128.shared = shared(64), shared(128)
	return k
}

// filledHead is HD of src/attentionmma.cuh.
func filledHead(hd int) int {
	if hd <= 64 {
		return 64
	}
	return 128
}

// attentionMMAShared is the shared memory of attention's forward on tensor cores: the queries of its warps
// and two buffers of 64 keys and values.
func attentionMMAShared(warps, hd int) int { return 2 * (16*warps + 4*64) * (filledHead(hd) + 8) }

// attentionGradMMAShared is that of its backward: two operands for the rows of the warps, two buffers of two
// for 32 or 64 others, and their statistics.
func attentionGradMMAShared(hd int) int {
	others := 4096 / filledHead(hd)
	return 2*(2*16*gradWarps+4*others)*(filledHead(hd)+8) + 16*others
}

// declareTokens is a kernel of src/attention_sm90.cuh: boxes of 64 tokens, two of each of the rows' operands in
// two buffers and two in each of four slots, so many statistics a slot, and twelve barriers.
func declareTokens(module, entry, params string, operands, stats int) *kernel {
	k := declare(module, entry, params)
	k.shared = 64*64*2*(2*2*operands+2*4) + 4*4*stats + 12*8
	return k
}

// widths is a kernel of src/ring.cuh for tiles of 64, 128 and 256 columns.
type widths[K any] struct{ w64, w128, w256 K }

func declareWidths[K any](declare func(width string) K, allow func(k K, bytes int) K) widths[K] {
	return widths[K]{allow(declare("_64_sm90"), ringShared(64)), allow(declare("_128_sm90"), ringShared(128)),
		allow(declare("_256_sm90"), ringShared(256))}
}

func declareRing(module, entry, params string) widths[*kernel] {
	return declareWidths(func(w string) *kernel { return declare(module, entry+w, params) },
		func(k *kernel, bytes int) *kernel {
			k.shared = bytes
			return k
		})
}

func declareTypedRing(module, entry, params string) widths[typed] {
	return declareWidths(func(w string) typed { return declareTyped(module, entry+w, params) }, typed.allow)
}

// ringShared is RING of src/ring.cuh: slots of both operands, 16x64+24 floats for each of eight warps, and two
// barriers a slot.
func ringShared(width int) int {
	slots := 6
	if width == 256 {
		slots = 4
	}
	return slots*((128+width)*64*2+16) + 8*(16*64+24)*4
}

// declareMMA is a kernel with the shared memory of tensor-core products.
func declareMMA(module, entry, params string) *kernel {
	k := declare(module, entry, params)
	k.shared = mmaShared
	return k
}

const (
	mmaShared  = 3 * 2 * 128 * 40 * 2 // MMA_SHARED of src/mma.cuh
	maxHead    = 128                  // the widest head that the kernels of attention take
	gradWarps  = 6                    // the most warps of a block of attention's backward on tensor cores
	gradShared = 4 * 68 * (4*maxHead + 64)
)

var (
	adamStep = declareTyped("adam", "adam", "pppplfffffffff")

	adaptivePoolFwd = declareTyped("adaptiveavgpool2d", "adaptiveavgpool2d_fwd", "ppiiiiii")
	adaptivePoolBwd = declareTyped("adaptiveavgpool2d", "adaptiveavgpool2d_bwd", "ppiiiiiii")

	addFwd = declareTyped("add", "add_fwd", "pppl")

	attentionFwd   = declareTyped("attention", "attention_fwd", "ppppps36").allow(attentionForwardShared(128))
	attentionMap   = declareTyped("attention", "attention_map", "ppps36").allow(attentionShared(2, 0, 128))
	attentionDelta = declareTyped("attentionbackward", "attention_delta", "ppps36")
	attentionDQ    = declareTyped("attentionbackward", "attention_dq", "ppppppps36i").allow(gradShared)
	attentionDKV   = declareTyped("attentionbackward", "attention_dkv", "pppppppps36ii").allow(gradShared)

	attentionFwdMMA = declareHeaded("attentionmma", "attention_fwd_mma", "ppppps36",
		func(hd int) int { return attentionMMAShared(8, hd) })
	attentionDQMMA = declareHeaded("attentionbackwardmma", "attention_dq_mma", "ppppppps36i",
		attentionGradMMAShared)
	attentionDKVMMA = declareHeaded("attentionbackwardmma", "attention_dkv_mma", "pppppppps36ii",
		attentionGradMMAShared)

	attentionFwdSM90 = declareTokens("attention_sm90", "attention_fwd_sm90", "pps128s128s128s36", 1, 0)
	attentionBwdSM90 = declareTokens("attentionbackward_sm90", "attention_bwd_sm90",
		"ppps128s128s128s128pps36iii", 2, 128)

	avgPoolFwd = declareTyped("avgpool2d", "avgpool2d_fwd", "pps64")
	avgPoolBwd = declareTyped("avgpool2d", "avgpool2d_bwd", "pps64i")

	batchNormFwd      = declareTyped("batchnorm", "batchnorm_fwd", "pppppppiiii")
	batchNormBwd      = declareTyped("batchnorm", "batchnorm_bwd", "pppppppppppiiiiii")
	batchNormSums     = declareTyped("batchnorm", "batchnorm_sums", "pppppppiiiii")
	batchNormChunks   = declareTyped("batchnormstats", "batchnorm_chunks", "pppiiii")
	batchNormFinish   = declare("batchnormstats", "batchnorm_finish", "ppppppiiidd")
	batchNormFromSums = declare("batchnormstats", "batchnorm_from_sums", "pppppiidd")
	batchNormRunning  = declare("batchnormstats", "batchnorm_running", "ppppid")

	bceFwd = declareTyped("bce", "bce_fwd", "pppl")
	bceBwd = declareTyped("bce", "bce_bwd", "ppppli")

	bceLogitsFwd = declareTyped("bcelogits", "bcelogits_fwd", "pppl")
	bceLogitsBwd = declareTyped("bcelogits", "bcelogits_bwd", "ppppli")

	biasFwd = declareTyped("bias", "bias_fwd", "pppli")

	castF32BF16 = declare("cast", "cast_f32_bf16", "ppl")
	castBF16F32 = declare("cast", "cast_bf16_f32", "ppl")

	channelSumsPart = declareTyped("channelsums", "channelsums_part", "ppliii")
	channelSumsRows = declare("channelsums", "channelsums_rows", "ppliii")
	channelSumsLast = declare("channelsums", "channelsums_last", "ppii")

	concatRows = declareTyped("concat", "concat_rows", "plllpllliili")

	conv2dFwd    = declareTyped("conv2d", "conv2d_fwd", "ppppps80")
	conv2dDX     = declareTyped("conv2d", "conv2d_dx", "ppppps80")
	conv2dDW     = declareTyped("conv2d", "conv2d_dw", "ppps80")
	conv2dFwdMMA = declareTyped("conv2dmma", "conv2d_fwd_mma", "pppppps80").allow(mmaShared)
	conv2dDXMMA  = declareTyped("conv2dmma", "conv2d_dx_mma", "ppppps80").allow(mmaShared)
	conv2dDWMMA  = declareMMA("conv2dmma", "conv2d_dw_mma", "ppps80")

	conv2dFwdSM90 = declareTypedRing("conv2d_sm90", "conv2d_fwd", "ps128s128ppps80")
	conv2dDXSM90  = declareTypedRing("conv2d_sm90", "conv2d_dx", "ps128s128pps80ii")
	conv2dDWSM90  = declareRing("conv2d_sm90", "conv2d_dw", "ps128s128s80")

	crossEntropyFwd = declareTyped("crossentropy", "crossentropy_fwd", "ppppii")
	crossEntropyBwd = declareTyped("crossentropy", "crossentropy_bwd", "pppppiii")

	dropoutMask = declareTyped("dropout", "dropout", "pppllllifi")

	geluFwd = declareTyped("gelu", "gelu_fwd", "ppl")
	geluBwd = declareTyped("gelu", "gelu_bwd", "pppli")

	gemmNN     = declareTyped("gemm", "gemm_nn", "ppppps64")
	gemmNT     = declareTyped("gemm", "gemm_nt", "ppppps64")
	gemmTN     = declareTyped("gemm", "gemm_tn", "ppppps64")
	gemmTT     = declareTyped("gemm", "gemm_tt", "ppppps64")
	gemmNNMMA  = declareTyped("gemmmma", "gemm_nn_mma", "pppppps64").allow(mmaShared)
	gemmNTMMA  = declareTyped("gemmmma", "gemm_nt_mma", "pppppps64").allow(mmaShared)
	gemmTNMMA  = declareTyped("gemmmma", "gemm_tn_mma", "pppppps64").allow(mmaShared)
	gemmTTMMA  = declareTyped("gemmmma", "gemm_tt_mma", "pppppps64").allow(mmaShared)
	gemmNTSM90 = declareTypedRing("gemm_sm90", "gemm_nt", "ps128s128ppps64")
	gemmNNSM90 = declareTypedRing("gemm_sm90", "gemm_nn", "ps128s128ppps64")
	gemmTNSM90 = declareRing("gemm_sm90", "gemm_tn", "ps128s128ppps64")

	layerNormFwd  = declareNarrowing("layernorm", "layernorm_fwd", "ppppppiifi")
	layerNormBwd  = declareNarrowing("layernorm", "layernorm_bwd", "ppppppiiii")
	layerNormSums = declareNarrowing("layernorm", "layernorm_sums", "ppppppiiii")

	maxPoolFwd = declareTyped("maxpool2d", "maxpool2d_fwd", "ppps64i")
	maxPoolBwd = declareTyped("maxpool2d", "maxpool2d_bwd", "ppps64ii")

	mseFwd = declareTyped("mse", "mse_fwd", "pppl")
	mseBwd = declareTyped("mse", "mse_bwd", "ppppli")

	mulFwd = declareTyped("mul", "mul_fwd", "pppli")

	normalizePixels = declareTyped("normalize", "normalize", "pplffffff")

	padRows = declareTyped("pad", "pad_rows", "plllpllliili")

	patchesOut = declareTyped("patches", "patches", "ppiis80")

	reluFwd = declareTyped("relu", "relu_fwd", "ppl")
	reluBwd = declareTyped("relu", "relu_bwd", "ppplii")

	resizeFwd = declareTyped("resize", "resize_fwd", "ppiiiiii")
	resizeBwd = declareTyped("resize", "resize_bwd", "ppiiiiiii")

	scaleFwd = declareTyped("scale", "scale_fwd", "pplfi")

	sgdStep = declareTyped("sgd", "sgd", "ppplfffi")

	sigmoidFwd = declareTyped("sigmoid", "sigmoid_fwd", "ppl")
	sigmoidBwd = declareTyped("sigmoid", "sigmoid_bwd", "pppli")

	sliceRows = declareTyped("slice", "slice_rows", "plllpllliili")

	softmaxFwd = declareTyped("softmax", "softmax_fwd", "ppii")
	softmaxBwd = declareTyped("softmax", "softmax_bwd", "pppiii")

	sumRows     = declareTyped("sum", "sum_rows", "pplifi") // to float32 partial sums
	sumRowsLast = declare("sum", "sum_rows_f32_bf16", "pplifi")
	sumCols     = declareTyped("sum", "sum_cols", "ppliifii")
	sumColsLast = declare("sum", "sum_cols_f32_bf16", "ppliifii")
	sumBwd      = declareTyped("sum", "sum_bwd", "ppllifi")
)
