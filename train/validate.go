package train

import (
	"context"
	"errors"
	"time"

	"truegrain/autograd"
	"truegrain/tensor"
	"truegrain/train/data"
)

// validate is the mean loss and the accuracy over the validation pictures, with running statistics, no
// dropout, and the averaged weights if there are any.
func (l *Loop) validate(ctx context.Context) (loss, accuracy float64, err error) {
	if l.Val == nil {
		return 0, 0, nil
	}
	if l.EMA != nil {
		l.EMA.Swap()
		defer l.EMA.Swap()
	}
	start := time.Now()
	total, err := l.totals(ctx)
	if err != nil {
		return 0, 0, err
	}
	if l.Reducer != nil {
		if err := l.Reducer.Sum(total); err != nil {
			return 0, 0, err
		}
	}
	if total[2] == 0 {
		return 0, 0, errors.New("train: the validation set gave no picture that could be read")
	}
	l.clock.validate = time.Since(start)
	return total[0] / total[2], total[1] / total[2], nil
}

// totals are loss, right answers and pictures of this worker's validation pictures.
func (l *Loop) totals(ctx context.Context) ([]float64, error) {
	total := make([]float64, 3)
	done := 0
	for batch, err := range l.Val.Epoch(ctx, 0, 0) {
		if err != nil {
			return nil, err
		}
		if done++; l.Validating != nil {
			l.Validating(done)
		}
		if err := l.unread(batch); err != nil {
			return nil, err
		}
		if len(batch.Label) == 0 {
			continue
		}
		value, right, err := l.look(ctx, batch)
		if err != nil {
			return nil, err
		}
		n := float64(len(batch.Label))
		total[0], total[1], total[2] = total[0]+value*n, total[1]+right, total[2]+n
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return total, nil
}

// look is the loss of one batch and the number of right answers, without gradients.
func (l *Loop) look(ctx context.Context, b *data.Batch) (loss, right float64, err error) {
	t := autograd.NewTape(l.Backend, autograd.WithContext(ctx), autograd.WithPool(l.pool))
	defer t.Reset()
	bad := tensor.Catch(func() {
		out, _, value := l.Loss.forward(t, l.Model, b)
		var p []float32
		if p, err = l.Model.Probability(t, out).Values(); err != nil {
			return
		}
		for i, label := range b.Label {
			right += flag((p[i] > 0.5) == (label == data.Photograph))
		}
		loss, err = value.Scalar()
	})
	return loss, right, errors.Join(err, bad)
}
