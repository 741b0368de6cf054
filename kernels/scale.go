package kernels

// Scale multiplies by a number: y = Alpha·x. Shapes: X, Y (N).
type Scale struct {
	N     int
	Alpha float64
	X, Y  Buf
}

// Cost counts one operation per element.
func (o Scale) Cost() Cost { return Cost{product(o.N), bytesOf(o.X, o.Y)} }

// ScaleGrad is the backward of Scale: dx = Alpha·dy.
type ScaleGrad struct {
	Scale
	DY Buf
	DX Grad
}

// Stem is the op's name.
func (Scale) Stem() string { return "scale" }

// Run calls the backend.
func (o Scale) Run(b Backend) { b.Scale(o) }
