package kernels

// Sigmoid is the logistic function y = 1/(1 + e^−x), without overflow at either end.
//
// Shapes: X, Y (N).
type Sigmoid struct {
	N    int
	X, Y Buf
}

// Cost counts eight operations per element.
func (o Sigmoid) Cost() Cost { return Cost{8 * product(o.N), bytesOf(o.X, o.Y)} }

// SigmoidGrad is the backward of Sigmoid: dx = dy·y·(1 − y).
type SigmoidGrad struct {
	Sigmoid
	DY Buf
	DX Grad
}

// Stem is the op's name.
func (Sigmoid) Stem() string { return "sigmoid" }

// Run calls the backend.
func (o Sigmoid) Run(b Backend) { b.Sigmoid(o) }
