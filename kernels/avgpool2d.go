package kernels

// AvgPool2D averages each window, channel by channel. Padding counts as zeros in the mean, as in PyTorch
// (count_include_pad); what hangs over the padded end (ceil mode) does not count.
//
//	y[b,i,j,c] = 1/n · Σ_{p,q} x[b, i·StrideH−PadH+p, j·StrideW−PadW+q, c],  n = window ∩ padded picture
//
// Shapes: X (B,H,W,C); Y (B,OH,OW,C), OH and OW given by the caller. Dilation is 1.
type AvgPool2D struct {
	Window
	B, H, W, C, OH, OW int
	X, Y               Buf
}

// Cost counts one addition per element of every window.
func (o AvgPool2D) Cost() Cost {
	return Cost{product(o.B, o.OH, o.OW, o.C, o.KH, o.KW), bytesOf(o.X, o.Y)}
}

// AvgPool2DGrad is the backward of AvgPool2D: dx[b,r,s,c] = Σ dy[b,i,j,c]/n over the windows that hold (r,s).
type AvgPool2DGrad struct {
	AvgPool2D
	DY Buf
	DX Grad
}

// Stem is the op's name.
func (AvgPool2D) Stem() string { return "avgpool2d" }

// Run calls the backend.
func (o AvgPool2D) Run(b Backend) { b.AvgPool2D(o) }
