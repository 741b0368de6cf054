package autograd

import (
	"errors"
	"fmt"

	"truegrain/kernels"
	"truegrain/tensor"
)

// ErrNoReLU says that a tape with a ReLU rule ran a model that has no ReLU (a vision transformer has GELUs):
// guided backpropagation would be the plain gradient under another name.
var ErrNoReLU = errors.New("the model has no ReLU for the rule to act on; use the gradient instead")

// Backward computes the gradient of a scalar. Afterwards parameters hold theirs in Param.Grad, inputs and
// taps in Var.Gradient. It runs once between Resets, for values that are no longer needed are let go on the
// way; on a tape made WithRepeat it runs as often as it is called, and inputs and taps have the gradient of
// the last time. The error is that of the tape (Err), wraps ErrNoReLU, or says that nothing wants a gradient
// or that a backward has run before.
//
// Panics: *tensor.ShapeError if v is no scalar (1).
func (t *Tape) Backward(v *Var) error {
	v.MustShape("Backward", 1)
	return t.backwardFrom(v, func(g kernels.Buf) { t.be.Fill(g, 1) })
}

// BackwardFrom computes the gradient of Σ v·dy for a given dy of v's shape, on the tape's backend. Errors are
// as Backward's.
//
// Panics: *tensor.ShapeError if dy has another shape.
func (t *Tape) BackwardFrom(v *Var, dy tensor.Tensor) error {
	dy.MustShape("BackwardFrom", v.Shape()...)
	return t.backwardFrom(v, func(g kernels.Buf) { t.be.Copy(g, dy.Buf) })
}

func (t *Tape) backwardFrom(v *Var, seed func(kernels.Buf)) error {
	if t.opts.rule != kernels.Gradient && t.relus == 0 {
		return fmt.Errorf("%s backpropagation: %w", t.opts.rule, ErrNoReLU)
	}
	if !v.wants {
		return errors.New("backward: nothing that this value depends on wants a gradient; " +
			"use Tape.Input or WithGrad")
	}
	if t.root != nil && !t.opts.repeat {
		return errors.New("backward: has run on this tape; what it needs is gone, " +
			"record the computation again after Reset")
	}
	if err := t.Err(); err != nil {
		return err
	}
	if t.pool.dry != 0 {
		return errors.New("backward: a tape over a dry pool computes nothing")
	}
	t.forgetGradients()
	t.root = v
	if g := v.Grad(); g.Wanted() {
		seed(g.Buf)
	}
	firsts := t.firstUses()
	for i := len(t.nodes) - 1; i >= 0; i-- {
		t.back(t.nodes[i])
		for _, p := range firsts[i] {
			if p.hasGrad && t.Err() == nil {
				t.opts.gradDone(p)
			}
		}
	}
	return t.Err()
}

// firstUses lists for each node the parameters that no node before it uses: behind its backward their
// gradients are finished. Nobody asks for that on most tapes.
func (t *Tape) firstUses() map[int][]*Param {
	if t.opts.gradDone == nil {
		return nil
	}
	out, seen := map[int][]*Param{}, map[*Param]bool{}
	for i, n := range t.nodes {
		for _, v := range n.In {
			if v.param != nil && v.wants && !seen[v.param] {
				seen[v.param] = true
				out[i] = append(out[i], v.param)
			}
		}
	}
	return out
}

// back runs the backward of one node, if a gradient reached it and an operand wants one, and lets its memory
// go.
func (t *Tape) back(n *Node) {
	if n.backward == nil {
		return
	}
	wanted := false
	for _, v := range n.In {
		wanted = wanted || v.wants
	}
	if wanted && n.Out.arrived && t.Err() == nil {
		n.backward(n.Out.grad.whole.Slice(0, n.Out.Len()))
	}
	if !n.Out.keep {
		t.dropGrad(n.Out)
	}
	if !t.opts.repeat {
		t.release(n)
	}
}

// SetReLURule changes what every ReLU lets through in the backward passes to come.
func (t *Tape) SetReLURule(r kernels.ReLURule) { t.opts.rule = r }

// forgetGradients lets go of the gradients of the values on the tape.
func (t *Tape) forgetGradients() {
	for _, n := range t.nodes {
		for _, v := range n.In {
			t.dropGrad(v)
		}
		t.dropGrad(n.Out)
	}
	for _, v := range t.taps {
		t.dropGrad(v)
	}
	if t.root != nil {
		t.dropGrad(t.root)
	}
}
