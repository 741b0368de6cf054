package kernels

// Dropout zeroes elements at random and scales the rest (Srivastava et al. 2014):
//
//	y[i] = x[i]/(1−P) if u[i] ≥ P, else 0,  u[i] = Philox(Seed).Uniform(Step, Node, i)
//
// The mask is never stored: the backward draws it again. P is in [0,1); at 1 everything is zero.
//
// Where StepIn is given, it is read for Step when the op runs: a recorded op then draws another mask with
// every replay.
//
// Shapes: X, Y (N); StepIn int32 (1), optional.
type Dropout struct {
	N          int
	P          float64
	Seed       uint64
	Step, Node uint32
	X, Y       Buf
	StepIn     Buf
}

// StepOnHost is Step, or what StepIn holds in host memory.
func (o Dropout) StepOnHost() uint32 {
	if o.StepIn.IsZero() {
		return o.Step
	}
	return uint32(Floats[int32](o.StepIn)[0])
}

// Cost counts one product per element; the random words are integer work.
func (o Dropout) Cost() Cost { return Cost{product(o.N), bytesOf(o.X, o.Y)} }

// DropoutGrad is the backward of Dropout: dx = dy through the same mask and scale.
type DropoutGrad struct {
	Dropout
	DY Buf
	DX Grad
}

// Stem is the op's name.
func (Dropout) Stem() string { return "dropout" }

// Run calls the backend.
func (o Dropout) Run(b Backend) { b.Dropout(o) }
