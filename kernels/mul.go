package kernels

// Mul is the element-wise product y = a·b. Shapes: A, B, Y (N).
type Mul struct {
	N       int
	A, B, Y Buf
}

// Cost counts one operation per element.
func (o Mul) Cost() Cost { return Cost{product(o.N), bytesOf(o.A, o.B, o.Y)} }

// MulGrad is the backward of Mul: da = dy·b, db = dy·a.
type MulGrad struct {
	Mul
	DY     Buf
	DA, DB Grad
}

// Stem is the op's name.
func (Mul) Stem() string { return "mul" }

// Run calls the backend.
func (o Mul) Run(b Backend) { b.Mul(o) }
