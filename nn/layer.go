package nn

import "truegrain/autograd"

// Layer maps a value to a value.
type Layer interface {
	Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var
}

// Sequential is one layer after the other; what lies between two of them is let go as soon as it can be.
type Sequential []Layer

// Forward passes x through the layers.
func (s Sequential) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	stages := make([]func(*autograd.Var) *autograd.Var, len(s))
	for i, l := range s {
		stages[i] = func(v *autograd.Var) *autograd.Var { return l.Forward(t, v) }
	}
	return t.Sequence(x, stages...)
}

// run computes a layer's result under its name and marks it there.
func run(t *autograd.Tape, name string, f func() *autograd.Var) *autograd.Var {
	defer t.Enter(name)()
	return t.Mark(f())
}

// Named gives a layer without parameters a name on the tape, and marks its result.
func Named(name string, f func(t *autograd.Tape, x *autograd.Var) *autograd.Var) Layer {
	return named{name, f}
}

type named struct {
	name string
	f    func(*autograd.Tape, *autograd.Var) *autograd.Var
}

func (n named) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	return run(t, n.name, func() *autograd.Var { return n.f(t, x) })
}

// Recomputed is a layer of which a tape made WithRecompute keeps only what goes in and out; the backward
// computes it once more. On other tapes it is the layer itself.
func Recomputed(l Layer) Layer { return recomputed{l} }

type recomputed struct{ Layer }

func (r recomputed) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	return t.Recompute(x, r.Layer.Forward)
}
