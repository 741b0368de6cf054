package train

import (
	"errors"
	"fmt"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/tensor"
	"truegrain/train/data"
)

// graph is the forward and the backward of a batch as one recording, on a device that can record
// (kernels.Recorder). The batches of an epoch are alike but for the last one: the first of them runs op by op
// and loads the kernels, the second one is recorded, and all others are replays. What differs from batch to
// batch comes by uploads: the step of dropout's random numbers, the pictures, the targets. The update stays
// outside, for it waits for the gradients' norm.
type graph struct {
	like    string // the shapes of the batch that was seen last, or recorded
	step    kernels.Recording
	shapes  []tensor.Shape // of the outputs that the loss looks at
	loss    *autograd.Var
	ahead   *data.Batch       // is on its way to the device
	reached []*autograd.Param // those that get a gradient
	never   bool              // there is not the memory for it
}

// shapeOf tells batches apart that need other kernels or other memory.
func shapeOf(b *data.Batch) string { return fmt.Sprint(b.X.Shape(), len(b.Label), b.Mask.Shape()) }

// saw notes a batch that has run op by op.
func (g *graph) saw(b *data.Batch) {
	if g.step == nil {
		g.like = shapeOf(b)
	}
}

// fits says that a batch may be replayed, or recorded: where a recording is possible and nothing has to
// happen between forward and update, and the batch is like the one before.
func (g *graph) fits(l *Loop, b *data.Batch) bool {
	_, ok := l.Backend.(kernels.Recorder)
	return ok && !g.never && l.alone() && g.like == shapeOf(b)
}

// replay is learn by the recording, which the first call makes.
func (l *Loop) replay(b *data.Batch) (loss float64, err error) {
	g := &l.graph
	if g.step == nil {
		err = l.record(b)
		if errors.Is(err, kernels.ErrOutOfMemory) { // op by op less memory is needed at once
			g.never = true
			return l.learn(b)
		}
		if err != nil {
			return 0, err
		}
	}
	var host []kernels.Buf
	if g.ahead != b {
		host = l.uploads(b, 0)
	}
	for _, p := range l.Model.Params() {
		p.ZeroGrad()
	}
	bad := tensor.Catch(func() {
		if err = g.step.Replay(host...); err != nil {
			return
		}
		if err = l.prefetch(); err != nil {
			return
		}
		for _, p := range g.reached { // the memory is there: this only says so
			if _, err = p.RestoreGrad(); err != nil {
				return
			}
		}
		if loss = g.loss.Float64s(l.Backend)[0]; !finite(loss) {
			err = l.diverged(b)
		}
	})
	return loss, errors.Join(err, bad)
}

// uploads are the sources of the recording's uploads for the batch that comes so many batches from now.
func (l *Loop) uploads(b *data.Batch, from int) []kernels.Buf {
	host := []kernels.Buf{kernels.Of([]int32{int32(l.keyOf(from))}), b.X.Buf}
	for _, s := range l.graph.shapes {
		host = append(host, l.Loss.targets(s, b)...)
	}
	return host
}

// prefetch sends the next batch to the device while it computes this one, if that will be a replay, too.
func (l *Loop) prefetch() error {
	g := &l.graph
	g.ahead = nil
	next := l.batches.peek()
	if next == nil || len(next.Label) == 0 || !g.fits(l, next) {
		return nil
	}
	if err := g.step.Prepare(l.uploads(next, 1)...); err != nil {
		return err
	}
	g.ahead = next
	return nil
}

// record records the forward and the backward of a batch like b. Nothing of it runs yet.
func (l *Loop) record(b *data.Batch) error {
	g := &l.graph
	l.pool.Trim() // the recording's memory is its own
	var failed, err error
	bad := tensor.Catch(func() {
		g.step, err = l.Backend.(kernels.Recorder).Record(func(be kernels.Backend) {
			t := l.tapeOn(be, autograd.NewPool(be), autograd.WithSeedInMemory(l.Seed, l.key()))
			out, aux, loss := l.Loss.forward(t, l.Model, b)
			g.loss, g.shapes = loss, []tensor.Shape{out.Shape()}
			if aux != nil {
				g.shapes = append(g.shapes, aux.Shape())
			}
			failed = t.Backward(loss)
		})
	})
	if err = errors.Join(failed, err, bad); err != nil {
		g.close()
		return fmt.Errorf("record a training step: %w", err)
	}
	for _, p := range l.Model.Params() {
		if !p.Grad().IsZero() {
			g.reached = append(g.reached, p)
		}
	}
	return nil
}

// close gives the recording and its memory back.
func (g *graph) close() {
	if g.step != nil {
		g.step.Close() //nolint:errcheck // what went wrong was said by the step that it went wrong in
	}
	*g = graph{never: g.never}
}
