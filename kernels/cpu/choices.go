package cpu

// choices are the ways of computing that shapes choose between. All are automatic, the zero value, but in
// tests, which force them so that each of them meets every shape, and where a backend is opened as "exact".
type choices struct {
	fresh     choice // chunks pack B (fresh.go)
	inPlace   choice // few rows read B where it is (gemm.go)
	packed    choice // the gradient of the weights packs x and dy (convweights.go)
	joined    choice // and takes the elements of a row of the window together
	turned    choice // and has the input's channels as rows
	copied    choice // chunks copy what lies far apart (copies.go)
	shared    choice // transformed pixels are shared between chunks (winogradrun.go)
	depthwise choice // groups of few channels have kernels of their own (convdepthwise.go)
	halved    choice // the halves of a window are columns of one product (convhalves.go)
	bands     choice // positions whose windows have the same elements are one band (convgeometry.go)
	past      choice // stores go past the caches (stream.go)
	winograd  choice // gradients of convolutions in training are Winograd's (winogradtrain.go)
}

// choice is whether something is done.
type choice int8

const (
	automatic choice = iota
	always
	never
)

// or is what is chosen where shapes would choose that.
func (c choice) or(automatically bool) bool { return c == always || c == automatic && automatically }

// forced are choices that are all the same.
func forced(c choice) choices { return choices{c, c, c, c, c, c, c, c, c, c, c, c} }

// words are what may stand behind a level: "avx2,on" and "avx2,off" force all choices, for tests;
// "avx2,exact", or "exact" at the best level, computes every convolution as a sum of products.
var words = map[string]choices{"": {}, "on": forced(always), "off": forced(never), "exact": {winograd: never}}
