package kernels

// ConvTranspose2D is the transpose of Conv2D as a linear map ("fractionally strided" convolution: Zeiler et
// al. 2010; Dumoulin & Visin 2016), with an epilogue. Every input pixel adds a scaled kernel to the output:
//
//	y[b, i·StrideH−PadH+p·DilH, j·StrideW−PadW+q·DilW, o] += x[b,i,j,c] · weight[c,p,q,o]   within each group,
//
// then bias[o] and residual are added and act is applied.
//
// Shapes: X (B,H,W,C); Weight (C,KH,KW,OC/G); Bias (OC), optional; Residual and Y (B,OH,OW,OC), OH and OW by
// Window.OutTransposed with OutPadH, OutPadW; Sums (2,OC) float64, optional, as in Conv2D.
type ConvTranspose2D struct {
	Window
	OutPadH, OutPadW             int
	B, H, W, C, OC, Groups       int
	Act                          Activation
	X, Weight, Bias, Residual, Y Buf
	Sums                         Buf
	Packed                       Packed // read in place of Weight, if not nil
}

// Stem is the op's name.
func (ConvTranspose2D) Stem() string { return "convtranspose2d" }

// OutSize is the size of the output.
func (c ConvTranspose2D) OutSize() (oh, ow int) {
	return c.OutTransposed(c.H, c.W, c.OutPadH, c.OutPadW)
}

// Cost counts 2·B·H·W·C·KH·KW·OC/G operations.
func (c ConvTranspose2D) Cost() Cost {
	return Cost{2 * product(c.B, c.H, c.W, c.C, c.KH, c.KW, c.OC/c.Groups),
		bytesOf(c.X, c.Bias, c.Residual, c.Y) + weightBytes(c.Weight, c.Packed)}
}

// Run calls the backend.
func (c ConvTranspose2D) Run(b Backend) { b.ConvTranspose2D(c) }

// Check panics with *ArgError if sizes and buffers do not agree.
func (c ConvTranspose2D) Check() {
	const op = "convtranspose2d"
	check(op, c.Window.Check(), c.Groups >= 1 && c.C%max(1, c.Groups) == 0 && c.OC%max(1, c.Groups) == 0)
	oh, ow := c.OutSize()
	checkLen(op, "X", c.X, c.B, c.H, c.W, c.C)
	if c.Packed == nil {
		checkLen(op, "Weight", c.Weight, c.C, c.KH, c.KW, c.OC/c.Groups)
	}
	checkLen(op, "Y", c.Y, c.B, oh, ow, c.OC)
	checkOptional(op, "Bias", c.Bias, c.OC)
	checkOptional(op, "Residual", c.Residual, c.B, oh, ow, c.OC)
	checkOptional(op, "Sums", c.Sums, 2, c.OC)
}

// ConvTranspose2DGrad is the backward of ConvTranspose2D. With dz = dy through the activation:
//
//	dx = Conv2D of dz with weight,  dweight[c,p,q,o] = Σ x[b,i,j,c]·dz[b, i·s−pad+p·d, ..., o],
//	dbias = Σ dz,  dresidual = dz
//
// Work holds Workspace elements.
type ConvTranspose2DGrad struct {
	ConvTranspose2D
	Rule                          ReLURule
	DY, Work                      Buf
	DX, DWeight, DBias, DResidual Grad
}
