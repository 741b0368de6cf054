package autograd

import (
	"context"
	"strings"
	"time"

	"truegrain/kernels"
	"truegrain/tensor"
)

// Tape runs ops on one backend and records them. It belongs to one goroutine.
type Tape struct {
	be    kernels.Backend
	ctx   context.Context
	pool  *Pool
	err   error
	opts  options
	nodes []*Node
	path  []string
	taps  map[string]*Var
	vars  map[*Param]*Var

	scopes  [][]*memory // innermost last; each holds one reference to what was allocated in it
	scratch []*memory   // saved by the op that is being set up
	root    *Var        // where the backward began, once it has run
	relus   int         // ops with a ReLU, to tell when a ReLU rule has nothing to rule
	base    int         // the number of its first node
	used    []*Param    // in the order of their first use
	stepIn  kernels.Buf // the step of dropout's random numbers, where they are read from memory
}

// NewTape opens a tape on a backend.
func NewTape(be kernels.Backend, opts ...Option) *Tape {
	o := options{ctx: context.Background()}
	for _, f := range opts {
		f(&o)
	}
	if o.pool == nil {
		o.pool = NewPool(be)
	}
	if o.ctx.Done() != nil {
		be = be.WithContext(o.ctx)
	}
	t := &Tape{be: be, ctx: o.ctx, pool: o.pool, opts: o, scopes: make([][]*memory, 1),
		taps: map[string]*Var{}, vars: map[*Param]*Var{}}
	if o.stepIn {
		t.stepIn = t.UploadInts([]int32{int32(o.step)}).Buf
	}
	return t
}

// Backend is where the tape computes.
func (t *Tape) Backend() kernels.Backend { return t.be }

// Training says whether layers behave as in training: batch statistics, dropout.
func (t *Tape) Training() bool { return t.opts.train }

// Nodes is what has been recorded, in order. The caller must not change it.
func (t *Tape) Nodes() []*Node { return t.nodes }

// Err is the first error of the world that the tape met (cancellation, out of memory), or nil.
func (t *Tape) Err() error {
	if t.err == nil && t.ctx.Err() != nil {
		t.err = context.Cause(t.ctx)
	}
	return t.err
}

// runs says that ops are to be computed: no error so far, and the pool has memory.
func (t *Tape) runs() bool { return t.pool.dry == 0 && t.Err() == nil }

func (t *Tape) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// Const brings a tensor of the tape's backend onto the tape; no gradient flows to it.
func (t *Tape) Const(x tensor.Tensor) *Var { return &Var{Tensor: x, tape: t} }

// Input brings a tensor of the tape's backend onto the tape and asks for its gradient (Var.Gradient).
func (t *Tape) Input(x tensor.Tensor) *Var { return &Var{Tensor: x, tape: t, wants: true, keep: true} }

// Param brings a parameter onto the tape. On a tape made WithGrad it wants a gradient, unless it is Frozen.
//
// Panics: *kernels.ArgError if the parameter is hollow, except in a rehearsal.
func (t *Tape) Param(p *Param) *Var {
	if p == nil {
		return nil
	}
	if p.hollow && t.pool.dry == 0 {
		panic(&kernels.ArgError{Op: "parameter", Field: p.Name,
			Reason: "has no values, as after models.Freeze with models.Consume: load its weights again"})
	}
	v := t.vars[p]
	if v == nil {
		v = &Var{Tensor: p.Value, tape: t, param: p, wants: t.opts.grad && !p.Frozen && !p.Buffer}
		t.vars[p] = v
		t.used = append(t.used, p)
	}
	return v
}

// Upload brings host data onto the tape's backend, in memory of the tape, as a constant.
func (t *Tape) Upload(host tensor.Tensor) *Var {
	v := t.Alloc(host.Shape()...)
	if t.runs() {
		t.be.Upload(v.Buf, host.Buf)
	}
	return v
}

// UploadInts brings indices to the tape's backend as int32, in memory of the tape: the classes of
// CrossEntropy.
func (t *Tape) UploadInts(host []int32) tensor.Tensor {
	v := t.allocAs(kernels.I32, len(host))
	if t.runs() {
		t.be.Upload(v.Buf, kernels.Of(host))
	}
	return v.Tensor
}

// Zeros is a constant of zeros in memory of the tape.
func (t *Tape) Zeros(shape ...int) *Var {
	v := t.Alloc(shape...)
	if t.runs() {
		t.be.Fill(v.Buf, 0)
	}
	return v
}

// Alloc gives a value of the tape's type with undefined contents, in the innermost scope.
func (t *Tape) Alloc(shape ...int) *Var { return t.allocAs(t.be.DType(), shape...) }

// like gives a value for the result of an op on x: of x's type.
func (t *Tape) like(x *Var, shape ...int) *Var { return t.allocAs(x.Buf.DType(), shape...) }

func (t *Tape) allocAs(d kernels.DType, shape ...int) *Var {
	n := tensor.Shape(shape).Len()
	m := t.take(d, n)
	top := len(t.scopes) - 1
	t.scopes[top] = append(t.scopes[top], m)
	return &Var{Tensor: tensor.New(m.whole.Slice(0, n), shape...), tape: t, mem: m}
}

// Scratch gives n elements that the op being set up saves for its backward.
func (t *Tape) Scratch(n int) kernels.Buf { return t.scratchAs(t.be.DType(), n) }

func (t *Tape) scratchAs(d kernels.DType, n int) kernels.Buf {
	m := t.take(d, n)
	t.scratch = append(t.scratch, m)
	return m.whole.Slice(0, n)
}

// work gives f n elements that are taken back when it returns. Without memory, f does not run.
func (t *Tape) work(n int, f func(kernels.Buf)) { t.workAs(t.be.DType(), n, f) }

func (t *Tape) workAs(d kernels.DType, n int, f func(kernels.Buf)) {
	if n == 0 {
		f(kernels.Buf{})
		return
	}
	m := t.take(d, n)
	if !m.lost {
		f(m.whole.Slice(0, n))
	}
	t.drop(m)
}

// take gets memory with one reference. If there is none it is lost memory, which no kernel will touch: the
// shapes of what follows stay right, and nothing runs.
func (t *Tape) take(d kernels.DType, n int) *memory {
	buf, err := t.pool.get(d, n)
	if err != nil {
		t.fail(err)
		return &memory{whole: kernels.OfDevice(d, n, nowhere), lost: true}
	}
	return &memory{whole: buf, refs: 1}
}

func (t *Tape) drop(m *memory) {
	if m == nil || m.lost {
		return
	}
	if m.refs--; m.refs == 0 {
		t.pool.put(m.whole)
	}
}

// apply runs an op and records it. in lists the operands in the op's order (nil for absent ones); backward
// gets the gradient of out and calls the backward kernel with the operands' Grads.
func (t *Tape) apply(op kernels.Op, out *Var, in inputs, backward func(dy kernels.Buf)) *Var {
	n := &Node{Op: op, Name: op.Stem(), In: in.present(), Out: out, backward: backward}
	if t.runs() {
		start := time.Now()
		op.Run(t.be)
		n.Time = time.Since(start)
	}
	if t.opts.watch != nil {
		n.Path = t.Path()
		t.opts.watch(n)
	}
	return t.record(n)
}

func (t *Tape) record(n *Node) *Var {
	n.Path = strings.Join(t.path, ".")
	for _, v := range n.In {
		n.Out.wants = n.Out.wants || v.wants
	}
	t.nodes = append(t.nodes, n)
	if n.Out.wants {
		n.scratch, t.scratch = t.scratch, nil
		n.hold()
		return n.Out
	}
	n.backward = nil
	for _, m := range t.scratch {
		t.drop(m)
	}
	t.scratch = t.scratch[:0]
	return n.Out
}

// hold keeps the operands and the result for the backward.
func (n *Node) hold() {
	for _, v := range append(n.In[:len(n.In):len(n.In)], n.Out) {
		if v.mem != nil {
			v.mem.refs++
		}
	}
}

// release lets go of what hold kept, and of what the forward saved.
func (t *Tape) release(n *Node) {
	if n.backward == nil {
		return
	}
	n.backward = nil
	for _, v := range append(n.In[:len(n.In):len(n.In)], n.Out) {
		t.drop(v.mem)
	}
	for _, m := range n.scratch {
		t.drop(m)
	}
	n.scratch = nil
}

// Reset lets go of everything: values, gradients that are not parameters', taps. The tape can be used again.
func (t *Tape) Reset() {
	t.letGo()
	t.pool.age()
}

// letGo is Reset within a pass: what it frees is wanted again soon.
func (t *Tape) letGo() {
	t.forgetGradients()
	for _, n := range t.nodes {
		t.release(n)
	}
	for _, v := range t.taps {
		t.drop(v.mem)
	}
	for _, m := range t.scratch { // of an op that was refused
		t.drop(m)
	}
	for _, s := range t.scopes {
		for _, m := range s {
			t.drop(m)
		}
	}
	t.nodes, t.path, t.scopes, t.relus = nil, nil, make([][]*memory, 1), 0
	t.scratch, t.root = nil, nil
	clear(t.taps)
	clear(t.vars)
	t.used = nil
}

func (t *Tape) dropGrad(v *Var) {
	t.drop(v.grad)
	v.grad, v.arrived = nil, false
}
