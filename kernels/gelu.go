package kernels

// GELU is the Gaussian error linear unit in its exact form (Hendrycks & Gimpel 2016):
//
//	y = x·Φ(x) = x/2·(1 + erf(x/√2))
//
// Shapes: X, Y (N).
type GELU struct {
	N    int
	X, Y Buf
}

// Cost counts twelve operations per element.
func (o GELU) Cost() Cost { return Cost{12 * product(o.N), bytesOf(o.X, o.Y)} }

// GELUGrad is the backward of GELU: dx = dy·(Φ(x) + x·φ(x)), φ the density of the standard normal
// distribution.
type GELUGrad struct {
	GELU
	DY Buf
	DX Grad
}

// Stem is the op's name.
func (GELU) Stem() string { return "gelu" }

// Run calls the backend.
func (o GELU) Run(b Backend) { b.GELU(o) }
