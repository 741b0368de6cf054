package kernels

// CrossEntropy is softmax and negative log-likelihood in one, averaged over the rows:
//
//	y = 1/R·Σ_r log Σ_d exp(x[r,d]) − x[r,t[r]]
//
// Shapes: X (R,D); T (R) int32, each in [0,D); Y (1); LSE (R), written for the backward.
type CrossEntropy struct {
	R, D         int
	X, T, Y, LSE Buf
}

// Cost counts ten operations per element.
func (o CrossEntropy) Cost() Cost { return Cost{10 * product(o.R, o.D), bytesOf(o.X, o.T)} }

// CrossEntropyGrad is the backward of CrossEntropy: dx[r,d] = dy/R·(exp(x[r,d] − lse[r]) − [d = t[r]]).
type CrossEntropyGrad struct {
	CrossEntropy
	DY Buf
	DX Grad
}

// Stem is the op's name.
func (CrossEntropy) Stem() string { return "crossentropy" }

// Run calls the backend.
func (o CrossEntropy) Run(b Backend) { b.CrossEntropy(o) }
