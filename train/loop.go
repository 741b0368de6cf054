package train

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/tensor"
	"truegrain/train/data"
	"truegrain/train/optim"
)

// Model is what the loop trains: anything that maps pictures (B,S,S,3) to an output and says which probability of
// a photograph that output means.
type Model interface {
	Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var
	Probability(t *autograd.Tape, out *autograd.Var) *autograd.Var
	Params() []*autograd.Param
}

// Source gives the batches of an epoch, in an order that depends on the epoch and its own seed alone.
type Source interface {
	Epoch(ctx context.Context, epoch int) iter.Seq2[*data.Batch, error]
	Batches() int
}

// Loop trains a model and keeps the best state it has seen. The zero values of Loss and Val are legal: the loss
// then follows the model's output, and every epoch counts as the best.
type Loop struct {
	Backend   kernels.Backend
	Model     Model
	Train     Source
	Val       Source
	Optimizer optim.Optimizer
	Schedule  optim.Schedule
	Loss      Loss
	Epochs    int
	Seed      uint64
	// Progress is called after every step and every validation; nil is quiet.
	Progress func(Progress)
	// Save is called with the model in its best state so far: after an epoch in which the validation loss fell,
	// and after an interruption if no epoch had ended before it.
	Save func(Epoch) error
}

// Progress is where the loop stands.
type Progress struct {
	Epoch, Epochs int
	Step, Steps   int // of this epoch; Step = Steps ends it
	Loss          float64
	Rate          float64 // pictures per second
	Done          *Epoch  // set when an epoch has been validated
}

// Epoch is what one epoch came to.
type Epoch struct {
	Epoch     int
	TrainLoss float64
	ValLoss   float64
	Accuracy  float64 // of the validation pictures, at p = ½
	Best      bool
	Duration  time.Duration
}

// ErrDiverged says that a loss was no longer a number.
var ErrDiverged = errors.New("the loss is not a number any more: lower the learning rate")

// Run trains until the epochs are over or ctx ends. Interrupted, it saves what it has if nothing was saved yet and
// returns the context's error with the epochs that were completed.
func (l *Loop) Run(ctx context.Context) (history []Epoch, err error) {
	pool := autograd.NewPool(l.Backend)
	best, step := math.Inf(1), 0
	for e := range l.Epochs {
		start := time.Now()
		done := Epoch{Epoch: e + 1}
		done.TrainLoss, err = l.epoch(ctx, pool, e, &step)
		if err == nil {
			done.ValLoss, done.Accuracy, err = l.validate(ctx, pool)
		}
		if err != nil {
			if ctx.Err() != nil && len(history) == 0 && l.Save != nil {
				err = errors.Join(context.Cause(ctx), l.Save(done))
			}
			return history, err
		}
		done.Duration = time.Since(start)
		if done.Best = l.Val == nil || done.ValLoss < best; done.Best {
			best = done.ValLoss
			if l.Save != nil {
				if err := l.Save(done); err != nil {
					return history, err
				}
			}
		}
		history = append(history, done)
		l.report(Progress{Epoch: e + 1, Epochs: l.Epochs, Step: l.Train.Batches(), Steps: l.Train.Batches(),
			Loss: done.TrainLoss, Done: &done})
	}
	return history, nil
}

func (l *Loop) report(p Progress) {
	if l.Progress != nil {
		l.Progress(p)
	}
}

// epoch is one pass over the training pictures; it returns the mean loss.
func (l *Loop) epoch(ctx context.Context, pool *autograd.Pool, epoch int, step *int) (float64, error) {
	var sum float64
	n, i := 0, 0
	start := time.Now()
	for batch, err := range l.Train.Epoch(ctx, epoch) {
		if err != nil {
			return 0, err
		}
		loss, err := l.step(ctx, pool, batch, *step)
		if err != nil {
			return 0, err
		}
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return 0, fmt.Errorf("epoch %d, step %d: %w", epoch+1, i+1, ErrDiverged)
		}
		*step++
		i++
		sum += loss * float64(len(batch.Label))
		n += len(batch.Label)
		l.report(Progress{Epoch: epoch + 1, Epochs: l.Epochs, Step: i, Steps: l.Train.Batches(), Loss: loss,
			Rate: float64(n) / time.Since(start).Seconds()})
	}
	if err := ctx.Err(); err != nil {
		return 0, context.Cause(ctx)
	}
	if n == 0 {
		return 0, errors.New("train: the data set gave no picture")
	}
	return sum / float64(n), nil
}

// step is one forward, backward and update.
func (l *Loop) step(ctx context.Context, pool *autograd.Pool, b *data.Batch, step int) (loss float64, err error) {
	params := l.Model.Params()
	for _, p := range params {
		p.ZeroGrad()
	}
	t := autograd.NewTape(l.Backend, autograd.WithGrad(), autograd.WithTrain(), autograd.WithContext(ctx),
		autograd.WithPool(pool), autograd.WithSeed(l.Seed, uint32(step)))
	defer t.Reset()
	bad := tensor.Catch(func() {
		out := l.Model.Forward(t, t.Upload(b.X))
		value := l.Loss.of(t, out, b)
		if err = t.Backward(value); err != nil {
			return
		}
		loss, err = value.Scalar()
	})
	if err = errors.Join(err, bad); err != nil {
		return 0, err
	}
	l.Optimizer.Step(l.Schedule(step))
	return loss, nil
}

// validate is the mean loss and the accuracy over the validation pictures, with running statistics and no dropout.
func (l *Loop) validate(ctx context.Context, pool *autograd.Pool) (loss, accuracy float64, err error) {
	if l.Val == nil {
		return 0, 0, nil
	}
	n, right := 0, 0
	for batch, err := range l.Val.Epoch(ctx, 0) {
		if err != nil {
			return 0, 0, err
		}
		p, value, err := l.look(ctx, pool, batch)
		if err != nil {
			return 0, 0, err
		}
		for i, label := range batch.Label {
			if (p[i] > 0.5) == (label == 1) {
				right++
			}
		}
		loss += value * float64(len(batch.Label))
		n += len(batch.Label)
	}
	if ctx.Err() != nil {
		return 0, 0, context.Cause(ctx)
	}
	if n == 0 {
		return 0, 0, errors.New("train: the validation set gave no picture")
	}
	return loss / float64(n), float64(right) / float64(n), nil
}

// look is the probabilities and the loss of one batch, without gradients.
func (l *Loop) look(ctx context.Context, pool *autograd.Pool, b *data.Batch) (p []float32, loss float64, err error) {
	t := autograd.NewTape(l.Backend, autograd.WithContext(ctx), autograd.WithPool(pool))
	defer t.Reset()
	bad := tensor.Catch(func() {
		out := l.Model.Forward(t, t.Upload(b.X))
		if p, err = l.Model.Probability(t, out).Values(); err == nil {
			loss, err = l.Loss.of(t, out, b).Scalar()
		}
	})
	return p, loss, errors.Join(err, bad)
}
