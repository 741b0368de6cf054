package models

import (
	"context"
	"fmt"
	"sync"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/tensor"
)

// Frozen is a model made ready to serve pictures of one size: batch norm is folded into the convolutions
// before, activations and residuals are parts of the ops that make their operands, and every buffer has its
// place in one block of memory. It serves many goroutines, each run with a block of its own.
type Frozen struct {
	be      kernels.Backend
	program program
	folded  []kernels.Buf // weights that are the frozen model's own
	x, y    tensor.Shape

	mu   sync.Mutex
	idle []*instance
}

// instance is what one run at a time needs.
type instance struct {
	arena, x, y kernels.Buf
	ops         []kernels.Op
}

// Freeze prepares m, as it is in evaluation, for batches of pictures (batch, height, width, 3). The weights
// that are not folded stay the model's, so it must not be trained while the frozen model is in use. The error
// wraps kernels.ErrOutOfMemory.
//
// Panics: *tensor.ShapeError if the model does not take that size.
func Freeze(m Model, batch, height, width int) (*Frozen, error) {
	be := m.Params()[0].Backend()
	t := autograd.NewTape(be, autograd.WithPool(autograd.NewDryPool()))
	x := t.Alloc(batch, height, width, 3)
	y := m.Forward(t, x)

	f := &Frozen{be: be, x: x.Shape(), y: y.Shape()}
	g := trace(t, x.Buf, y.Buf, m.Params())
	if err := g.fuse(be); err != nil {
		f.folded = g.folded
		f.Close()
		return nil, fmt.Errorf("freeze %s: %w", m.Name(), err)
	}
	f.folded = g.folded
	f.program = g.plan()
	return f, nil
}

// Ops lists what one run does, in order, for inspection.
func (f *Frozen) Ops() []kernels.Op { return f.program.ops }

// Bytes is the memory that one run needs, weights not counted.
func (f *Frozen) Bytes() int64 { return int64(f.program.size * f.be.DType().Size()) }

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
	x.MustShape("Frozen.Run x", f.x...)
	y.MustShape("Frozen.Run y", f.y...)
	be := f.be
	if ctx.Done() != nil {
		be = be.WithContext(ctx)
	}
	n, err := f.take()
	if err != nil {
		return fmt.Errorf("frozen model, %d bytes: %w", f.Bytes(), err)
	}
	be.Upload(n.x, x.Buf)
	for _, op := range n.ops {
		if ctx.Err() != nil {
			break
		}
		op.Run(be)
	}
	err = context.Cause(ctx)
	if err == nil {
		be.Download(y.Buf, n.y)
	}
	f.give(n)
	return err
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
		f.be.Free(n.arena)
	}
	for _, b := range f.folded {
		f.be.Free(b)
	}
	f.idle, f.folded = nil, nil
}
