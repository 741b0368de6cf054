package models

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/tensor"
)

// Frozen is a model made ready to serve pictures of one size: batch norm is folded into the convolutions
// before, activations and residuals are parts of the ops that make their operands, weights are packed in the
// order in which kernels read them, and every buffer has its place in one block of memory. It serves many
// goroutines, each run with a block of its own.
type Frozen struct {
	be      kernels.Backend
	name    string
	how     kernels.Packing
	program program
	layers  []Layer
	packed  []kernels.Packed
	owned   []kernels.Buf // weights that are the frozen model's own, not packed
	x, y    tensor.Shape

	mu   sync.Mutex
	idle []*instance
}

// instance is what one run at a time needs.
type instance struct {
	arena, x, y kernels.Buf
	bytes       kernels.Buf // of pictures, once some came as such
	ops         []kernels.Op
	done        <-chan struct{} // of the context that be looks at
	be          kernels.Backend

	ran    bool              // once, so that its kernels are loaded
	record kernels.Recording // of the ops, where the backend has such
}

// freezing is how a model is to be frozen.
type freezing struct {
	how     kernels.Packing
	consume bool
	cache   int // bytes of values that stay in the caches
}

// FreezeOption sets how a model is frozen.
type FreezeOption func(*freezing)

// WithPacking says what may be traded for speed. Without it that is kernels.Fast: Winograd's convolutions,
// whose rounding moves the output of a model by at most a relative 1e-5. kernels.Exact computes as the model
// does. kernels.BFloat16 rounds operands, but not those of heads and of projections on shortcuts: what a
// block adds to a shortcut is smaller than what it carries, so that most of the rounding in a residual
// network would be theirs, for a tenth of its operations. On a device that has kernels.Mixed it rounds all
// values between ops, as training in mixed precision does: half the bytes, which bound most of its time.
func WithPacking(how kernels.Packing) FreezeOption { return func(f *freezing) { f.how = how } }

// Consume gives the model's memory back piece by piece, as its weights are packed. Its parameters are hollow
// then: to run or train it, its weights must be loaded again. It may not be used by anybody else.
func Consume() FreezeOption { return func(f *freezing) { f.consume = true } }

func freezingOf(opts []FreezeOption) freezing {
	f := freezing{how: kernels.Fast, cache: cached}
	for _, o := range opts {
		o(&f)
	}
	return f
}

// Freeze prepares m, as it is in evaluation, for batches of pictures (batch, height, width, 3). Small
// parameters stay the model's, unless it is consumed, so it must not be trained while the frozen model is in
// use. The error wraps kernels.ErrOutOfMemory.
//
// Panics: *tensor.ShapeError if the model does not take that size; *kernels.ArgError if it was consumed
// before.
func Freeze(m Model, batch, height, width int, opts ...FreezeOption) (*Frozen, error) {
	for _, p := range m.Params() {
		if p.Hollow() {
			panic(&kernels.ArgError{Op: "models.Freeze", Field: p.Name,
				Reason: "has no values: load the model's weights again"})
		}
	}
	o := freezingOf(opts)
	return freeze(m, batch, height, width, newPacker(m, o))
}

// freeze traces the model, which may be hollow: the packer knows where its weights are.
func freeze(m Model, batch, height, width int, w *packer) (*Frozen, error) {
	be := w.halved()
	t := autograd.NewTape(be, autograd.WithPool(autograd.NewDryPool()))
	x := t.Alloc(batch, height, width, 3)
	y := m.Forward(t, x)

	f := &Frozen{be: be, name: m.Name(), how: w.how, x: x.Shape(), y: y.Shape()}
	g := trace(t, x.Buf, y.Buf, m.Params())
	g.fuse()
	if !w.onHost() {
		w.cache = math.MaxInt
	}
	g.group(batch, w.cache)
	err := w.pack(g)
	f.packed, f.owned = w.packed, w.owned
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("freeze %s: %w", m.Name(), err)
	}
	f.layers = g.layers(batch)
	g.expand(batch)
	f.program = g.plan()
	return f, nil
}

// Packing is what the model trades for speed.
func (f *Frozen) Packing() kernels.Packing { return f.how }

// Ops lists what one run does, in order, for inspection.
func (f *Frozen) Ops() []kernels.Op { return f.program.ops }

// Bytes is the memory that one run needs, weights not counted.
func (f *Frozen) Bytes() int64 { return int64(f.program.size * f.be.DType().Size()) }

// WeightBytes is the memory of the weights that are the frozen model's own.
func (f *Frozen) WeightBytes() (n int64) {
	for _, p := range f.packed {
		n += p.Bytes()
	}
	for _, b := range f.owned {
		n += int64(b.Bytes())
	}
	return n
}

// OutputShape is the shape of the result.
func (f *Frozen) OutputShape() tensor.Shape { return f.y }

// Run computes the logits of pictures x, host float32 of the shape that the model was frozen for. The error
// is the context's or wraps kernels.ErrOutOfMemory.
//
// Panics: *tensor.ShapeError if x has another shape.
func (f *Frozen) Run(ctx context.Context, x tensor.Tensor) (tensor.Tensor, error) {
	y := tensor.FromSlice(make([]float32, f.y.Len()), f.y...)
	return y, f.RunInto(ctx, y, x)
}

// RunInto is Run with the result in y, host memory of OutputShape. Where as many goroutines have run before
// as run now it allocates nothing.
func (f *Frozen) RunInto(ctx context.Context, y, x tensor.Tensor) error {
	return f.run(ctx, y, f.floats(x), nil)
}

// Profile is RunInto that says of each op when it started and how long it took, and which of Layers it is.
func (f *Frozen) Profile(ctx context.Context, y, x tensor.Tensor, see Observer) error {
	return f.run(ctx, y, f.floats(x), see)
}

// Observer hears of an op that has run.
type Observer func(layer int, start time.Time, took time.Duration)

// source brings pictures to where an instance takes them.
type source func(be kernels.Backend, n *instance) error

// floats are pictures as float32, which go into the model as they are.
func (f *Frozen) floats(x tensor.Tensor) source {
	x.MustShape("Frozen.Run x", f.x...)
	return func(be kernels.Backend, n *instance) error {
		be.Upload(n.x, x.Buf)
		return nil
	}
}

func (f *Frozen) run(ctx context.Context, y tensor.Tensor, x source, see Observer) error {
	y.MustShape("Frozen.Run y", f.y...)
	n, err := f.take()
	if err != nil {
		return fmt.Errorf("frozen model, %d bytes: %w", f.Bytes(), err)
	}
	err = f.compute(ctx, n, y, x, see)
	f.give(n)
	return err
}

// compute brings the pictures in, runs the ops and brings the result out. What a device refuses is an error.
func (f *Frozen) compute(ctx context.Context, n *instance, y tensor.Tensor, x source, see Observer) (
	err error) {
	defer refused(&err)
	be := n.backend(ctx, f.be)
	if err := x(be, n); err != nil {
		return err
	}
	if err := f.ops(ctx, be, n, see); err != nil {
		return err
	}
	be.Download(y.Buf, n.y)
	return nil
}

// ops runs the ops: by one replay if they have been recorded, one by one if not, or if somebody looks at
// each.
func (f *Frozen) ops(ctx context.Context, be kernels.Backend, n *instance, see Observer) error {
	if see == nil && n.ran && ctx.Err() == nil {
		if played, err := n.replay(f.be); played || err != nil {
			return err
		}
	}
	for i, op := range n.ops {
		if ctx.Err() != nil {
			break
		}
		if see == nil {
			op.Run(be)
			continue
		}
		start := time.Now()
		op.Run(be)
		see(f.program.layers[i], start, time.Since(start))
	}
	n.ran = ctx.Err() == nil
	return context.Cause(ctx)
}

// backend is be, looking at ctx: the same one as long as the context is.
func (n *instance) backend(ctx context.Context, be kernels.Backend) kernels.Backend {
	if n.be == nil || n.done != ctx.Done() {
		if n.be, n.done = be, ctx.Done(); n.done != nil {
			n.be = be.WithContext(ctx)
		}
	}
	return n.be
}

// take gives an idle instance, or a new one.
func (f *Frozen) take() (*instance, error) {
	f.mu.Lock()
	if last := len(f.idle) - 1; last >= 0 {
		n := f.idle[last]
		f.idle = f.idle[:last]
		f.mu.Unlock()
		return n, nil
	}
	f.mu.Unlock()
	arena, err := f.be.Alloc(f.be.DType(), f.program.size)
	if err != nil {
		return nil, err
	}
	return f.program.instance(arena), nil
}

func (f *Frozen) give(n *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.idle = append(f.idle, n)
}

// Close gives the memory back. No run may be under way.
func (f *Frozen) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range f.idle {
		n.close(f.be)
	}
	for _, p := range f.packed {
		p.Free()
	}
	for _, b := range f.owned {
		f.be.Free(b)
	}
	f.idle, f.packed, f.owned = nil, nil, nil
}
