package kernels

// Bias adds one row to every row: y[r,c] = x[r,c] + bias[c]. Shapes: X, Y (R,C); Bias (C).
type Bias struct {
	R, C       int
	X, Bias, Y Buf
}

// Cost counts one operation per element.
func (o Bias) Cost() Cost { return Cost{product(o.R, o.C), bytesOf(o.X, o.Bias, o.Y)} }

// BiasGrad is the backward of Bias: dx = dy, dbias = Σ_r dy.
type BiasGrad struct {
	Bias
	DY        Buf
	DX, DBias Grad
}

// Stem is the op's name.
func (Bias) Stem() string { return "bias" }

// Run calls the backend.
func (o Bias) Run(b Backend) { b.Bias(o) }
