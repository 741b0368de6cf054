package kernels

// Conv2D is the two-dimensional cross-correlation of channels-last pictures, with an epilogue:
//
//	y[b,i,j,o] = act(bias[o] + residual[b,i,j,o] +
//	    Σ_{p,q,c} x[b, i·StrideH−PadH+p·DilH, j·StrideW−PadW+q·DilW, g·C/G+c] · weight[o,p,q,c])
//
// where g is the group of output channel o, and x is zero outside the picture.
//
// Shapes: X (B,H,W,C); Weight (OC,KH,KW,C/G); Bias (OC), optional; Residual and Y (B,OH,OW,OC), OH and OW by
// Window.Out; Sums (2,OC) float64, optional: Σ y and Σ y² of every output channel, for the batch norm behind.
type Conv2D struct {
	Window
	B, H, W, C, OC, Groups       int
	Act                          Activation
	X, Weight, Bias, Residual, Y Buf
	Sums                         Buf
	Packed                       Packed // read in place of Weight, if not nil
}

// Stem is the op's name.
func (Conv2D) Stem() string { return "conv2d" }

// Cost counts 2·B·OH·OW·OC·KH·KW·C/G operations.
func (c Conv2D) Cost() Cost {
	oh, ow := c.Out(c.H, c.W)
	return Cost{2 * product(c.B, oh, ow, c.OC, c.KH, c.KW, c.C/c.Groups),
		bytesOf(c.X, c.Bias, c.Residual, c.Y) + weightBytes(c.Weight, c.Packed)}
}

// Run calls the backend.
func (c Conv2D) Run(b Backend) { b.Conv2D(c) }

// Check panics with *ArgError if sizes and buffers do not agree.
func (c Conv2D) Check() {
	check("conv2d", c.Window.Check(), c.Groups >= 1 && c.C%max(1, c.Groups) == 0 &&
		c.OC%max(1, c.Groups) == 0)
	oh, ow := c.Out(c.H, c.W)
	checkLen("conv2d", "X", c.X, c.B, c.H, c.W, c.C)
	if c.Packed == nil {
		checkLen("conv2d", "Weight", c.Weight, c.OC, c.KH, c.KW, c.C/c.Groups)
	}
	checkLen("conv2d", "Y", c.Y, c.B, oh, ow, c.OC)
	checkOptional("conv2d", "Bias", c.Bias, c.OC)
	checkOptional("conv2d", "Residual", c.Residual, c.B, oh, ow, c.OC)
	checkOptional("conv2d", "Sums", c.Sums, 2, c.OC)
}

// Conv2DGrad is the backward of Conv2D. With dz = dy through the activation (none or ReLU, by Rule):
//
//	dx = the transposed convolution of dz with weight,  dweight[o,p,q,c] = Σ_{b,i,j} dz[b,i,j,o]·x[...],
//	dbias = Σ_{b,i,j} dz,  dresidual = dz
//
// Work holds Workspace elements.
type Conv2DGrad struct {
	Conv2D
	Rule                          ReLURule
	DY, Work                      Buf
	DX, DWeight, DBias, DResidual Grad
}
