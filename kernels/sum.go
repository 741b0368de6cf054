package kernels

// Sum reduces the middle axis, scaled: with Scale = 1/N it is the mean.
//
//	y[o,i] = Scale·Σ_n x[o,n,i]
//
// Shapes: X (Outer,N,Inner); Y (Outer,Inner). All elements to one scalar is Outer = Inner = 1.
type Sum struct {
	Outer, N, Inner int
	Scale           float64
	X, Y            Buf
}

// Cost counts one addition per element.
func (o Sum) Cost() Cost { return Cost{product(o.Outer, o.N, o.Inner), bytesOf(o.X, o.Y)} }

// SumGrad is the backward of Sum: dx[o,n,i] = Scale·dy[o,i].
type SumGrad struct {
	Sum
	DY Buf
	DX Grad
}

// Stem is the op's name.
func (Sum) Stem() string { return "sum" }

// Run calls the backend.
func (o Sum) Run(b Backend) { b.Sum(o) }
