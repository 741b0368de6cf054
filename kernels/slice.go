package kernels

// Slice takes Start..Stop−1 along one axis: X (Outer, N, Inner), Y (Outer, Stop−Start, Inner).
type Slice struct {
	Outer, N, Inner, Start, Stop int
	X, Y                         Buf
}

// Cost counts the copy.
func (o Slice) Cost() Cost { return Cost{0, 2 * bytesOf(o.Y)} }

// SliceGrad is the backward of Slice: dx is dy inside the range and zero outside.
type SliceGrad struct {
	Slice
	DY Buf
	DX Grad
}

// Stem is the op's name.
func (Slice) Stem() string { return "slice" }

// Run calls the backend.
func (o Slice) Run(b Backend) { b.Slice(o) }
