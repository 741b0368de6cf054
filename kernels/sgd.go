package kernels

// SGD is one step of stochastic gradient descent with momentum and weight decay, in place (PyTorch's form):
//
//	g ← g + WeightDecay·p,  v ← Momentum·v + g (v ← g on the First step),  p ← p − LR·v
//
// or p ← p − LR·g where Momentum is 0, and then V is not touched. G itself is left as it was.
//
// Shapes: P, G, V (N).
type SGD struct {
	N                         int
	LR, Momentum, WeightDecay float64
	First                     bool
	P, G, V                   Buf
}
