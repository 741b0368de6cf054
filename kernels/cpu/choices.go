package cpu

// choices are the ways of computing a product that shapes choose between. All are automatic, the zero value, but
// in tests, which force them so that each of them meets every shape.
type choices struct {
	fresh   choice // chunks pack B (fresh.go)
	inPlace choice // few rows read B where it is (gemm.go)
	packed  choice // the gradient of the weights packs x and dy (convweights.go)
	joined  choice // and takes the elements of a row of the window together
	turned  choice // and has the input's channels as rows
	copied  choice // chunks copy what lies far apart (copies.go)
	shared  choice // transformed pixels are shared between chunks (winogradrun.go)
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
