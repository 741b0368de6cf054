package kernels

// Adam is one step of Adam (Kingma & Ba 2015), or of AdamW (Loshchilov & Hutter 2019) if Decoupled, in place:
//
//	Decoupled: p ← p − LR·WeightDecay·p;  otherwise g ← g + WeightDecay·p
//	m ← Beta1·m + (1−Beta1)·g,  v ← Beta2·v + (1−Beta2)·g²
//	p ← p − LR/(1−Beta1^Step) · m / (√(v/(1−Beta2^Step)) + Eps)
//
// Step counts from 1. G itself is left as it was. Shapes: P, G, M, V (N).
type Adam struct {
	N                                  int
	LR, Beta1, Beta2, Eps, WeightDecay float64
	Decoupled                          bool
	Step                               int
	P, G, M, V                         Buf
}
