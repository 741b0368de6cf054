package nn

import "truegrain/autograd"

// Dropout zeroes elements with probability P in training, and does nothing otherwise.
type Dropout struct {
	P    float64
	name string
}

// NewDropout has no parameters; the builder gives it its name.
func NewDropout(b *Builder, p float64) *Dropout { return &Dropout{P: p, name: b.Name()} }

// Forward drops elements of x.
func (l *Dropout) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	return run(t, l.name, func() *autograd.Var { return t.Dropout(x, l.P) })
}
