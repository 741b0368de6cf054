//lint:file-ignore U1000 the launch wrappers use the rows, under the tags cuda and emu

package cuda

import "embed"

//go:embed ptx/*.ptx
var ptxFiles embed.FS

// kernel is one entry of a module, as its source declares it.
type kernel struct {
	module string // the stem of its .cu
	entry  string
	// params has a letter for each: p a pointer, i and l integers of 4 and 8 bytes, f and d floats of 4 and 8,
	// s<n> a struct of n bytes.
	params string
	shared int // dynamic shared memory in bytes
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

var (
	addFwd = declareTyped("add", "add_fwd", "pppl")

	biasFwd = declareTyped("bias", "bias_fwd", "pppli")

	mulFwd = declareTyped("mul", "mul_fwd", "pppli")

	reluFwd = declareTyped("relu", "relu_fwd", "ppl")
	reluBwd = declareTyped("relu", "relu_bwd", "ppplii")

	scaleFwd = declareTyped("scale", "scale_fwd", "pplfi")

	softmaxFwd = declareTyped("softmax", "softmax_fwd", "ppii")
	softmaxBwd = declareTyped("softmax", "softmax_bwd", "pppiii")

	sumRows     = declareTyped("sum", "sum_rows", "pplifi") // to float32 partial sums
	sumRowsLast = declare("sum", "sum_rows_f32_bf16", "pplifi")
	sumCols     = declareTyped("sum", "sum_cols", "ppliifi")
	sumColsLast = declare("sum", "sum_cols_f32_bf16", "ppliifi")
	sumBwd      = declareTyped("sum", "sum_bwd", "ppllifi")
)
