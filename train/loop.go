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

// Model is what the loop trains: anything that maps pictures (B,S,S,3) to an output and says which
// probability of a photograph that output means. A model that is also Auxiliary has a second head.
type Model interface {
	Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var
	Probability(t *autograd.Tape, out *autograd.Var) *autograd.Var
	Params() []*autograd.Param
}

// Source gives the batches of an epoch, in an order that depends on the epoch and its own seed alone.
type Source interface {
	// Epoch gives the batches from number first on. It stops early, without an error, when ctx ends.
	Epoch(ctx context.Context, epoch, first int) iter.Seq2[*data.Batch, error]
	Batches() int  // of an epoch
	Pictures() int // of an epoch, of all workers together
}

// Loop trains a model. The zero value of a field that may be left out is named beside it.
type Loop struct {
	Backend   kernels.Backend
	Model     Model
	Train     Source
	Val       Source // nil: every epoch counts as the best
	Optimizer optim.Optimizer
	Schedule  optim.Schedule
	Loss      Loss // the zero Loss follows the model's output
	Epochs    int
	Seed      uint64

	Accumulate int           // batches in one update; 0 is 1
	Clip       float64       // the greatest norm of all gradients together; 0 lets them be
	EMA        *optim.EMA    // averaged weights, then what is validated and kept as the best; nil: none
	Recompute  bool          // keep what goes in and out of a block, and compute the rest twice
	Patience   int           // epochs without a lower validation loss that end the run; 0: never
	Enough     float64       // a training and validation loss that ends the run; 0: none does
	Unreadable float64       // the share of all pictures that may fail to decode; more end the run
	Budget     time.Duration // after so long Run ends with ErrBudget; 0: never
	Reducer    Reducer       // joins several workers; nil works alone
	// Checkpoints keeps the state and the best detector on disk; nil keeps nothing. With several workers only
	// rank 0 has one.
	Checkpoints *Checkpoints
	// Watch is called after every batch and every validation; its error ends the run. nil is quiet.
	Watch func(Progress) error
	// Validating is called with the number of the batch that is validated, from 1. nil is quiet.
	Validating func(batch int)

	// State is where the run stands. Resume sets it; a fresh run begins with the zero State.
	State State

	pool    *autograd.Pool
	grads   *optim.Gradients
	graph   graph
	batches batches
	clock   clock
}

// The errors that end a run early. All that was learned is in the checkpoint, and the run can be resumed,
// except after ErrDiverged, where the last checkpoint is the one before.
var (
	ErrBudget     = errors.New("the time budget is used up")
	ErrDiverged   = errors.New("a number is not finite any more: lower the learning rate, or clip the gradients")
	ErrUnreadable = errors.New("too many pictures can't be read")
)

// Run trains until the epochs are over, Patience or Enough end it (State.Done then says so), or ctx ends. On
// ctx's end and on ErrBudget it finishes the batch at hand and saves. It returns the epochs that were
// completed, with those before a resume.
func (l *Loop) Run(ctx context.Context) ([]Epoch, error) {
	if err := l.begin(); err != nil {
		return nil, err
	}
	defer l.graph.close()
	var err error
	for err == nil && l.State.Epoch < l.Epochs && l.State.Done == "" {
		if bad := tensor.Catch(func() { err = l.epoch(ctx) }); bad != nil {
			err = bad // a device that was lost between two batches
		}
	}
	if err != nil && l.Reducer != nil {
		l.Reducer.Abort(err)
	}
	interrupted := ctx.Err() != nil && errors.Is(err, context.Cause(ctx))
	if interrupted || errors.Is(err, ErrBudget) {
		err = errors.Join(err, l.Checkpoints.save(l, l.State.BestEpoch == 0))
	}
	if failed := l.Checkpoints.wait(); failed != nil {
		err = errors.Join(err, failed)
	}
	return l.State.History, err
}

// begin fills in defaults and takes the memory that steps need.
func (l *Loop) begin() (err error) {
	l.Accumulate = max(l.Accumulate, 1)
	if l.State.Unread == nil {
		l.State.Unread = map[string]string{}
	}
	l.pool = autograd.NewPool(l.Backend)
	l.grads, err = optim.NewGradients(l.Model.Params())
	l.clock = clock{start: time.Now()}
	return err
}

// epoch is what is left of one pass over the training pictures, and the validation behind it.
func (l *Loop) epoch(ctx context.Context) error {
	start := time.Now()
	// An interruption lets the batch at hand finish.
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	l.batches = ahead(l.Train.Epoch(reading, l.State.Epoch, l.State.Batch))
	defer l.batches.stop()
	for b, err := range l.batches.all {
		if err != nil {
			return err
		}
		if err := l.batch(ctx, b); err != nil {
			return err
		}
	}
	s := &l.State
	if s.Pictures == 0 {
		return errors.New("train: the data set gave no picture that could be read")
	}
	done := Epoch{Epoch: s.Epoch + 1, TrainLoss: s.LossSum / float64(s.Pictures)}
	var err error
	if done.ValLoss, done.Accuracy, err = l.validate(ctx); err != nil {
		return err
	}
	done.Duration = time.Since(start)
	s.end(&done, l.Val != nil)
	l.finish(&done)
	if err := l.report(Progress{Done: &done, Loss: done.TrainLoss}); err != nil {
		return err
	}
	return l.Checkpoints.save(l, done.Best)
}

// finish says whether an epoch was the last one.
func (l *Loop) finish(e *Epoch) {
	s := &l.State
	switch {
	case l.Enough > 0 && max(e.TrainLoss, e.ValLoss) < l.Enough:
		s.Done = fmt.Sprintf("both losses are below %g", l.Enough)
	case l.Patience > 0 && s.Epoch-s.BestEpoch >= l.Patience:
		s.Done = fmt.Sprintf("no lower validation loss in %d epochs", l.Patience)
	case s.Epoch == l.Epochs:
		s.Done = "all epochs are over"
	}
}

// batch takes in one batch: gradients, the update if one is due, the report, and the checkpoint if one is
// due.
func (l *Loop) batch(ctx context.Context, b *data.Batch) error {
	s := &l.State
	loss, n, stop, err := l.gather(ctx, b)
	if err != nil {
		return fmt.Errorf("epoch %d, batch %d: %w", s.Epoch+1, s.Batch+1, err)
	}
	s.Batch++
	s.Seen++
	s.LossSum += loss * float64(n)
	s.Pictures += n
	s.Held.Batches++
	s.Held.Pictures += n
	p := Progress{Loss: loss, Pictures: n, Unread: b.Unread}
	if s.Held.Batches == l.Accumulate || s.Batch == l.Train.Batches() {
		p.Updated, p.LR = true, l.Schedule(s.Updates)
		if p.GradNorm, err = l.update(p.LR); err != nil {
			return fmt.Errorf("epoch %d, batch %d: %w", s.Epoch+1, s.Batch, err)
		}
	}
	if err := l.report(p); err != nil {
		return err
	}
	if err := l.unread(b); err != nil {
		return err
	}
	switch {
	case stop && ctx.Err() != nil:
		return context.Cause(ctx)
	case stop:
		return ErrBudget
	}
	return l.Checkpoints.saveIfDue(l)
}

// unread takes note of pictures that could not be read, and ends the run if there are too many.
func (l *Loop) unread(b *data.Batch) error {
	if len(b.Unread) == 0 {
		return nil
	}
	for _, u := range b.Unread {
		l.State.Unread[u.Path] = u.Reason
	}
	all := l.Train.Pictures()
	if l.Val != nil {
		all += l.Val.Pictures()
	}
	if most := l.Unreadable * float64(all); float64(len(l.State.Unread)) > most {
		return fmt.Errorf("%w: %d of %d, and data.unreadable allows %.0f; "+
			"'truegrain data check' lists all of them; the last one: %s",
			ErrUnreadable, len(l.State.Unread), all, math.Floor(most), b.Unread[len(b.Unread)-1].Reason)
	}
	return nil
}

// spent says that the time budget is used up.
func (l *Loop) spent() bool { return l.Budget > 0 && time.Since(l.clock.start) >= l.Budget }
