package kernels

// Resize is bilinear interpolation with pixel centres at half integers (PyTorch's align_corners=false,
// without antialiasing). Output row i reads the input at
//
//	s = max(0, (i + ½)·H/OH − ½),  between rows ⌊s⌋ and min(⌊s⌋+1, H−1); columns likewise
//
// Shapes: X (B,H,W,C); Y (B,OH,OW,C).
type Resize struct {
	B, H, W, C, OH, OW int
	X, Y               Buf
}

// Cost counts eight operations per output element.
func (o Resize) Cost() Cost { return Cost{8 * product(o.B, o.OH, o.OW, o.C), bytesOf(o.X, o.Y)} }

// ResizeGrad is the backward of Resize: every output spreads dy over its four inputs by their weights.
type ResizeGrad struct {
	Resize
	DY Buf
	DX Grad
}

// Stem is the op's name.
func (Resize) Stem() string { return "resize" }

// Run calls the backend.
func (o Resize) Run(b Backend) { b.Resize(o) }
