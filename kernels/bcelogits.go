package kernels

// BCELogits is the mean binary cross entropy of logits, stable at both ends:
//
//	y = 1/N·Σ max(x,0) − x·t + log(1 + e^−|x|)
//
// Shapes: X, T (N), T in [0,1]; Y (1).
type BCELogits struct {
	N       int
	X, T, Y Buf
}

// Cost counts forty operations per element, most of them in exponential and logarithm.
func (o BCELogits) Cost() Cost { return Cost{40 * product(o.N), bytesOf(o.X, o.T)} }

// BCELogitsGrad is the backward of BCELogits: dx = dy/N·(sigmoid(x) − t).
type BCELogitsGrad struct {
	BCELogits
	DY Buf
	DX Grad
}

// Stem is the op's name.
func (BCELogits) Stem() string { return "bcelogits" }

// Run calls the backend.
func (o BCELogits) Run(b Backend) { b.BCELogits(o) }
