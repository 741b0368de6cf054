package kernels

// Cast gives values another type: y = x, rounded where Y holds less (to nearest, ties to even). Both are F32
// or BF16. Shapes: X, Y (N). Its backward is itself, the other way round.
type Cast struct {
	N    int
	X, Y Buf
}

// Cost counts one operation per element.
func (o Cast) Cost() Cost { return Cost{product(o.N), bytesOf(o.X, o.Y)} }

// Stem is the op's name.
func (Cast) Stem() string { return "cast" }

// Run calls the backend.
func (o Cast) Run(b Backend) { b.Cast(o) }
