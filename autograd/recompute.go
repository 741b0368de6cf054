package autograd

import (
	"slices"

	"truegrain/kernels"
	"truegrain/tensor"
)

// Recompute is f of x, of which only x and the result are kept: on a tape made WithRecompute the backward
// computes f once more to have what lies between (Chen et al., "Training deep nets with sublinear memory
// cost", 2016). The bits are the same. f must use nothing of a tape but what it is given, and the parameters
// of its layers. On other tapes it is f itself.
//
// Random numbers are the same both times, and running statistics move in the first. Nothing inside can be
// tapped.
func (t *Tape) Recompute(x *Var, f func(t *Tape, x *Var) *Var) *Var {
	if !t.opts.recompute || !t.opts.grad {
		return f(t, x)
	}
	first := t.segment(len(t.nodes))
	first.opts.grad = false
	out := f(first, first.Const(x.Tensor))
	y := t.like(out, out.Shape()...)
	if first.runs() {
		t.be.Copy(y.Buf, out.Buf)
	}
	in := inputs{x}
	for _, p := range first.used {
		in = append(in, t.Param(p))
	}
	t.relus += first.relus
	t.fail(first.err)
	first.letGo()
	base := len(t.nodes)
	return t.record(&Node{Name: "recompute", In: in, Out: y, backward: func(dy kernels.Buf) {
		t.recomputeBackward(base, x, dy, f)
	}})
}

// recomputeBackward runs f again, this time to go back through it.
func (t *Tape) recomputeBackward(base int, x *Var, dy kernels.Buf, f func(t *Tape, x *Var) *Var) {
	second := t.segment(base)
	second.opts.again, second.opts.watch = true, nil
	in := second.Const(x.Tensor)
	if x.wants {
		in = second.Input(x.Tensor)
	}
	out := f(second, in)
	t.fail(second.BackwardFrom(out, tensor.New(dy, out.Shape()...)))
	if g := in.Gradient(); !g.IsZero() {
		t.add(x.Grad(), g.Buf)
	}
	second.letGo()
}

// segment is a tape for a part of this one: its nodes have numbers that no other part has.
func (t *Tape) segment(node int) *Tape {
	o := t.opts
	o.taps, o.gradDone, o.recompute = nil, nil, false
	s := &Tape{be: t.be, ctx: t.ctx, pool: t.pool, opts: o,
		path: slices.Clone(t.path), scopes: make([][]*memory, 1),
		taps: map[string]*Var{}, vars: map[*Param]*Var{}}
	s.base = (node + 1) << segmentBits
	return s
}

// segmentBits leaves room for the numbers of a segment's nodes.
const segmentBits = 12
