package kernel

// counted is the cycles that 16 elements take at least on a core with AVX-512, for the kernels of the
// processor that compute so much that caches are faster: two multiply-adds, two additions, conversions or
// comparisons, four simple integer operations, two loads and one store are a cycle, of which the scarcest
// counts, pass by pass. kernels/cpu/README.md derives them, and BenchmarkCycles there measures against the
// same.
var counted = map[string]float64{
	"gelu/forward":       11,
	"gelu/backward":      11,
	"sigmoid/forward":    4.5,
	"softmax/forward":    6,
	"softmax/backward":   2,
	"dropout/forward":    9.25,
	"dropout/backward":   9.25,
	"layernorm/forward":  6,
	"layernorm/backward": 6,
}
