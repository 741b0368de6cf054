package kernels

// Pad surrounds pictures with zeros. Shapes: X (B,H,W,C); Y (B,Top+H+Bottom,Left+W+Right,C).
type Pad struct {
	B, H, W, C               int
	Top, Bottom, Left, Right int
	X, Y                     Buf
}

// Cost counts the copy.
func (o Pad) Cost() Cost { return Cost{0, bytesOf(o.X, o.Y)} }

// PadGrad is the backward of Pad: dx is the inner part of dy.
type PadGrad struct {
	Pad
	DY Buf
	DX Grad
}

// Stem is the op's name.
func (Pad) Stem() string { return "pad" }

// Run calls the backend.
func (o Pad) Run(b Backend) { b.Pad(o) }
