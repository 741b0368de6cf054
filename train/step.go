package train

import (
	"context"
	"errors"
	"fmt"
	"math"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/tensor"
	"truegrain/train/data"
)

// gather adds the gradients of one batch to those that wait for the next update. It returns the mean loss and
// the number of pictures, of all workers together, and whether one of them has to stop.
//
// Gradients that gather over several batches or workers are those of the sum over all pictures; update
// divides them.
func (l *Loop) gather(ctx context.Context, b *data.Batch) (loss float64, n int, stop bool, err error) {
	if l.State.Held.Batches == 0 {
		for _, p := range l.Model.Params() {
			p.ZeroGrad()
		}
	}
	halt := ctx.Err() != nil || l.spent()
	if l.Reducer == nil {
		if len(b.Label) > 0 {
			loss, err = l.learn(b)
		}
		return loss, len(b.Label), halt || ctx.Err() != nil, err
	}
	// Batch norm adds its sums over all workers: either all of them run the model, or none.
	facts := []float64{flag(len(b.Label) == 0), flag(halt)}
	if err := l.Reducer.Sum(facts); err != nil {
		return 0, 0, false, err
	}
	totals := make([]float64, 2)
	if facts[0] == 0 {
		if loss, err = l.learn(b); err != nil {
			return 0, 0, false, err
		}
		totals = []float64{loss * float64(len(b.Label)), float64(len(b.Label))}
		if err := l.Reducer.Sum(totals); err != nil {
			return 0, 0, false, err
		}
	}
	return totals[0] / max(totals[1], 1), int(totals[1]), facts[1] > 0, nil
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// key is what the random numbers of the batch at hand depend on beside the seed.
func (l *Loop) key() uint32 { return l.keyOf(0) }

// keyOf is the key of the batch that comes so many batches from now.
func (l *Loop) keyOf(from int) uint32 {
	return uint32((l.State.Seen+from)*world(l.Reducer) + rank(l.Reducer))
}

// tape opens a tape for the batch at hand. Its random numbers depend on the seed, the batch and the worker.
func (l *Loop) tape(opts ...autograd.Option) *autograd.Tape {
	return l.tapeOn(l.Backend, l.pool, append(opts, autograd.WithSeed(l.Seed, l.key()))...)
}

// tapeOn is a tape for training on a backend.
func (l *Loop) tapeOn(be kernels.Backend, pool *autograd.Pool, opts ...autograd.Option) *autograd.Tape {
	if l.Recompute {
		opts = append(opts, autograd.WithRecompute())
	}
	return autograd.NewTape(be, append(opts, autograd.WithGrad(), autograd.WithTrain(),
		autograd.WithPool(pool))...)
}

// learn is one forward and backward.
func (l *Loop) learn(b *data.Batch) (loss float64, err error) {
	if l.graph.fits(l, b) {
		return l.replay(b)
	}
	join, opts := l.joint()
	t := l.tape(opts...)
	defer t.Reset()
	bad := tensor.Catch(func() {
		_, _, value := l.Loss.forward(t, l.Model, b)
		if loss, err = value.Scalar(); err != nil {
			return
		}
		if !finite(loss) {
			err = l.diverged(b)
			return
		}
		err = l.backward(t, value, len(b.Label))
	})
	if err = errors.Join(err, bad, join()); err != nil || l.Accumulate == 1 {
		if err == nil {
			l.graph.saw(b)
		}
		return loss, err
	}
	// A checkpoint may keep these gradients before their update looks at them.
	if _, p := l.grads.Norm(); p != nil {
		return 0, fmt.Errorf("the gradient of %s: %w", p.Name, ErrDiverged)
	}
	return loss, nil
}

// backward runs back from the loss: the mean's gradient if that is all of an update, else that of the sum
// over n pictures.
func (l *Loop) backward(t *autograd.Tape, value *autograd.Var, n int) error {
	if l.alone() {
		return t.Backward(value)
	}
	return t.BackwardFrom(value, t.Upload(tensor.FromSlice([]float32{float32(n)}, 1)).Tensor)
}

// alone says that an update is the gradient of a single batch.
func (l *Loop) alone() bool { return l.Accumulate == 1 && l.Reducer == nil }

// update moves the weights by the gradients that have gathered, and returns their norm before clipping.
func (l *Loop) update(lr float64) (norm float64, err error) {
	s := &l.State
	pictures := s.Held.Pictures
	s.Updates++
	s.Held = Tally{}
	if pictures == 0 {
		return 0, nil // nothing but pictures that can't be read
	}
	if !l.alone() {
		l.grads.Scale(1 / float64(pictures))
	}
	norm, bad := l.grads.Norm()
	if bad != nil {
		return norm, fmt.Errorf("the gradient of %s: %w", bad.Name, ErrDiverged)
	}
	if l.Clip > 0 && norm > l.Clip {
		l.grads.Scale(l.Clip / norm)
	}
	l.Optimizer.Step(lr)
	if l.EMA != nil {
		l.EMA.Update()
	}
	return norm, nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// diverged runs a batch again to find the op that makes the first number that is not finite.
func (l *Loop) diverged(b *data.Batch) error {
	where := ""
	t := l.tape(autograd.WithWatch(func(n *autograd.Node) {
		if where != "" {
			return
		}
		v, err := n.Out.Values()
		if err != nil {
			return
		}
		for _, x := range v {
			if !finite(float64(x)) {
				where = fmt.Sprintf("%s (%s)", n.Path, n.Name)
				if n.Path == "" {
					where = "the loss (" + n.Name + ")"
				}
				return
			}
		}
	}))
	defer t.Reset()
	if l.Reducer == nil { // the others are not running it again
		if err := tensor.Catch(func() { l.Loss.forward(t, l.Model, b) }); err != nil {
			return err
		}
	}
	if where == "" {
		return ErrDiverged
	}
	return fmt.Errorf("the result of %s: %w", where, ErrDiverged)
}
