package kernels

// Softmax is the normalised exponential of each row, shifted by the row's maximum:
//
//	y[r,d] = exp(x[r,d] − m[r]) / Σ_d exp(x[r,d] − m[r]),  m[r] = max_d x[r,d]
//
// Shapes: X, Y (R,D).
type Softmax struct {
	R, D int
	X, Y Buf
}

// Cost counts ten operations per element.
func (o Softmax) Cost() Cost { return Cost{10 * product(o.R, o.D), bytesOf(o.X, o.Y)} }

// SoftmaxGrad is the backward of Softmax: dx = y·(dy − Σ_d dy·y).
type SoftmaxGrad struct {
	Softmax
	DY Buf
	DX Grad
}

// Stem is the op's name.
func (Softmax) Stem() string { return "softmax" }

// Run calls the backend.
func (o Softmax) Run(b Backend) { b.Softmax(o) }
