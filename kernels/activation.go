package kernels

// Activation is the function in the epilogue of a fused op.
type Activation uint8

// The epilogues. WithGELU has no backward: it is for inference.
const (
	NoActivation Activation = iota
	WithReLU
	WithGELU
)

func (a Activation) String() string { return [...]string{"none", "relu", "gelu"}[a] }
