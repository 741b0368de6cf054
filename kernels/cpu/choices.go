package cpu

// choices are the ways of computing that shapes choose between. All are automatic, the zero value, but in tests,
// which force them so that each of them meets every shape.
type choices struct {
	fresh     choice // chunks pack B (fresh.go)
	inPlace   choice // few rows read B where it is (gemm.go)
	packed    choice // the gradient of the weights packs x and dy (convweights.go)
	joined    choice // and takes the elements of a row of the window together
	turned    choice // and has the input's channels as rows
	copied    choice // chunks copy what lies far apart (copies.go)
	shared    choice // transformed pixels are shared between chunks (winogradrun.go)
	depthwise choice // groups of one channel have kernels of their own (convdepthwise.go)
	bands     choice // positions whose windows have the same elements are one band (convgeometry.go)
	past      choice // stores go past the caches (stream.go)
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
func forced(c choice) choices { return choices{c, c, c, c, c, c, c, c, c, c} }

// forcings are the words behind a level that force all choices, for tests: "avx2,on".
var forcings = map[string]choice{"": automatic, "on": always, "off": never}
