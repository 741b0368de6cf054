// Package autograd records what a model computes and differentiates it backwards.
//
// A Tape runs every op at once on its backend (it is eager) and records a Node that describes it: the op with
// its arguments, the layer's path, inputs and output, and how to go back. Inspection, profiling, graphs, taps
// and frozen models all read these nodes; no model is described twice.
//
//	t := autograd.NewTape(be, autograd.WithGrad())
//	defer t.Reset()
//	loss := t.MSE(t.Linear(t.Const(x), t.Param(w), t.Param(b), nil, kernels.NoActivation), t.Const(y))
//	err := t.Backward(loss) // w.Grad and b.Grad now hold the gradients
//
// # Who wants a gradient
//
// Gradients flow to what asks for them and nowhere else: an Input always asks, a Param on a tape made
// WithGrad unless it is Frozen, a tapped value on a tape made WithTapGrads, a Const never. What is computed
// from nothing that asks costs no backward work and no memory beyond its scope.
//
// # Memory
//
// Values come from a Pool. A value lives while a scope or a recorded node needs it: Scope and Sequence let go
// of what was computed inside them except the result, a node lets go of its operands once its backward has
// run, and Reset lets go of everything. Parameters, their gradients and optimiser state live outside the
// tape.
//
// # Errors
//
// A wrong shape is a programmer's mistake and panics with *tensor.ShapeError. Cancellation and exhausted
// memory are the world's: the tape remembers the first such error, skips all further work, and Err, Backward
// and the readers of values return it.
package autograd
