package kernels

// MaxPool2D takes the largest element of each window, channel by channel; padding never wins. The position of
// the winner (the first one in row-major order; a NaN wins) is kept for the backward.
//
//	y[b,i,j,c] = max_{p,q} x[b, i·StrideH−PadH+p·DilH, j·StrideW−PadW+q·DilW, c]
//
// Shapes: X (B,H,W,C); Y (B,OH,OW,C), OH and OW given by the caller (Window.Out or OutCeil);
// Index int32 as Y: row·W + column of the winner, optional when no gradient is wanted.
type MaxPool2D struct {
	Window
	B, H, W, C, OH, OW int
	X, Y, Index        Buf
}

// Cost counts one comparison per element of every window.
func (o MaxPool2D) Cost() Cost {
	return Cost{product(o.B, o.OH, o.OW, o.C, o.KH, o.KW), bytesOf(o.X, o.Y, o.Index)}
}

// MaxPool2DGrad is the backward of MaxPool2D: dx[b,r,s,c] = Σ dy[b,i,j,c] over the windows that (r,s) has
// won, in row-major order.
type MaxPool2DGrad struct {
	MaxPool2D
	DY Buf
	DX Grad
}

// Stem is the op's name.
func (MaxPool2D) Stem() string { return "maxpool2d" }

// Run calls the backend.
func (o MaxPool2D) Run(b Backend) { b.MaxPool2D(o) }
