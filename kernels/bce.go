package kernels

// BCE is the mean binary cross entropy of probabilities, each logarithm held at −100 or above as in PyTorch:
//
//	y = −1/N·Σ t·max(log p, −100) + (1−t)·max(log(1−p), −100)
//
// Shapes: P, T (N), both in [0,1]; Y (1).
type BCE struct {
	N       int
	P, T, Y Buf
}

// Cost counts forty operations per element, most of them in the logarithms.
func (o BCE) Cost() Cost { return Cost{40 * product(o.N), bytesOf(o.P, o.T)} }

// BCEGrad is the backward of BCE: dp = dy/N·(p − t)/max(p·(1−p), 1e−12).
type BCEGrad struct {
	BCE
	DY Buf
	DP Grad
}

// Stem is the op's name.
func (BCE) Stem() string { return "bce" }

// Run calls the backend.
func (o BCE) Run(b Backend) { b.BCE(o) }
