package kernels

// MSE is the mean squared error y = 1/N·Σ (x − t)². Shapes: X, T (N); Y (1).
type MSE struct {
	N       int
	X, T, Y Buf
}

// Cost counts three operations per element.
func (o MSE) Cost() Cost { return Cost{3 * product(o.N), bytesOf(o.X, o.T)} }

// MSEGrad is the backward of MSE: dx = dy·2(x − t)/N.
type MSEGrad struct {
	MSE
	DY Buf
	DX Grad
}

// Stem is the op's name.
func (MSE) Stem() string { return "mse" }

// Run calls the backend.
func (o MSE) Run(b Backend) { b.MSE(o) }
