package kernels

// ReLURule says what a ReLU lets through on the way back. It is a rule of the kernel, obeyed by every op with
// a ReLU inside, and not surgery on a model.
type ReLURule uint8

// The three rules; y is the ReLU's output, dy the gradient that arrives.
const (
	Gradient  ReLURule = iota // dy where y > 0: the true gradient
	Guided                    // max(dy,0) where y > 0: guided backpropagation (Springenberg et al. 2015)
	Deconvnet                 // max(dy,0): the deconvolutional network (Zeiler & Fergus 2014)
)

func (r ReLURule) String() string { return [...]string{"gradient", "guided", "deconvnet"}[r] }

// ReLU is the rectifier.
//
//	y = max(x, 0), NaN staying NaN
//
// Shapes: X, Y (N); Y may be X.
type ReLU struct {
	N    int
	X, Y Buf
}

// Cost counts one operation per element.
func (o ReLU) Cost() Cost { return Cost{product(o.N), bytesOf(o.X, o.Y)} }

// ReLUGrad is the backward of ReLU by Rule. It reads Y, not X.
//
//	Gradient: dx = dy·[y > 0],  Guided: dx = max(dy,0)·[y > 0],  Deconvnet: dx = max(dy,0)
//
// Shapes: DY, DX (N).
type ReLUGrad struct {
	ReLU
	Rule ReLURule
	DY   Buf
	DX   Grad
}

// Stem is the op's name.
func (ReLU) Stem() string { return "relu" }

// Run calls the backend.
func (o ReLU) Run(b Backend) { b.ReLU(o) }
