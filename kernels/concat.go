package kernels

// Concat joins tensors along one axis: with every X[k] read as (Outer, N[k], Inner), Y is (Outer, ΣN, Inner).
type Concat struct {
	Outer, Inner int
	N            []int
	X            []Buf
	Y            Buf
}

// Cost counts the copy.
func (o Concat) Cost() Cost { return Cost{0, 2 * bytesOf(o.Y)} }

// ConcatGrad is the backward of Concat: every DX[k] is its part of dy.
type ConcatGrad struct {
	Concat
	DY Buf
	DX []Grad
}

// Stem is the op's name.
func (Concat) Stem() string { return "concat" }

// Run calls the backend.
func (o Concat) Run(b Backend) { b.Concat(o) }
