package kernels

// Add is the element-wise sum y = a + b. Shapes: A, B, Y (N); Y may be A.
type Add struct {
	N       int
	A, B, Y Buf
}

// Cost counts one operation per element.
func (o Add) Cost() Cost { return Cost{product(o.N), bytesOf(o.A, o.B, o.Y)} }

// AddGrad is the backward of Add: da = dy, db = dy.
type AddGrad struct {
	Add
	DY     Buf
	DA, DB Grad
}

// Stem is the op's name.
func (Add) Stem() string { return "add" }

// Run calls the backend.
func (o Add) Run(b Backend) { b.Add(o) }
