package kernels

// AdaptiveAvgPool2D averages a picture down (or up) to a given size. Output row i covers the input rows
// ⌊i·H/OH⌋ ... ⌈(i+1)·H/OH⌉−1, columns likewise; OH = OW = 1 is global average pooling.
//
//	y[b,i,j,c] = 1/n · Σ x[b,r,s,c] over the n pixels (r,s) that (i,j) covers
//
// Shapes: X (B,H,W,C); Y (B,OH,OW,C).
type AdaptiveAvgPool2D struct {
	B, H, W, C, OH, OW int
	X, Y               Buf
}

// Cost counts one addition per input element.
func (o AdaptiveAvgPool2D) Cost() Cost { return Cost{product(o.B, o.H, o.W, o.C), bytesOf(o.X, o.Y)} }

// Range is the first row (column) that output i covers and the one behind its last, of n input and out output
// rows.
func (AdaptiveAvgPool2D) Range(i, n, out int) (lo, hi int) {
	return i * n / out, ((i+1)*n + out - 1) / out
}

// AdaptiveAvgPool2DGrad is the backward of AdaptiveAvgPool2D: dx[b,r,s,c] = Σ dy[b,i,j,c]/n over the outputs
// that cover (r,s).
type AdaptiveAvgPool2DGrad struct {
	AdaptiveAvgPool2D
	DY Buf
	DX Grad
}

// Stem is the op's name.
func (AdaptiveAvgPool2D) Stem() string { return "adaptiveavgpool2d" }

// Run calls the backend.
func (o AdaptiveAvgPool2D) Run(b Backend) { b.AdaptiveAvgPool2D(o) }
