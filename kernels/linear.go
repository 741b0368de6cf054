package kernels

// Linear is the affine map of rows, with an epilogue:
//
//	y[r,o] = act(Σ_d x[r,d]·weight[o,d] + bias[o] + residual[r,o])
//
// Residual and Y may be F32 where X is BF16.
//
// Shapes: X (R,D); Weight (OD,D); Bias (OD), optional; Residual (R,OD), optional; Y (R,OD).
type Linear struct {
	R, D, OD                     int
	Act                          Activation
	X, Weight, Bias, Residual, Y Buf
	Packed                       Packed // read in place of Weight, if not nil
}

// Stem is the op's name.
func (Linear) Stem() string { return "linear" }

// Cost counts 2·R·D·OD operations.
func (l Linear) Cost() Cost {
	return Cost{2 * product(l.R, l.D, l.OD),
		bytesOf(l.X, l.Bias, l.Residual, l.Y) + weightBytes(l.Weight, l.Packed)}
}

// Run calls the backend.
func (l Linear) Run(b Backend) { b.Linear(l) }

// LinearGrad is the backward of Linear. With dz = dy through the activation (Act is none or ReLU, by Rule):
//
//	dx = dz·weight,  dweight = dzᵀ·x,  dbias = Σ_r dz,  dresidual = dz
//
// Work holds Workspace elements when there is an activation.
type LinearGrad struct {
	Linear
	Rule                          ReLURule
	DY, Work                      Buf
	DX, DWeight, DBias, DResidual Grad
}
