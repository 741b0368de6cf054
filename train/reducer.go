package train

import (
	"truegrain/autograd"
	"truegrain/kernels"
)

// Reducer joins the workers of one run: what each of them computes of its part of a batch is added over all
// of them. An engine for many machines goes behind it; Local joins goroutines. Every worker calls it for the
// same things.
type Reducer interface {
	Rank() int // of this worker, from 0
	World() int
	// Start begins to add a gradient over all workers, in place. The buffer must not be touched until wait
	// has returned. Gradients are told apart by name, so that workers may start them in any order.
	Start(name string, be kernels.Memory, g kernels.Buf) (wait func() error)
	// Sum adds numbers over all workers, in place, and waits for that. Workers call it in the same order.
	Sum(v []float64) error
	// Abort makes all waiting, now and later, end with an error: this worker has failed.
	Abort(err error)
}

func rank(r Reducer) int {
	if r == nil {
		return 0
	}
	return r.Rank()
}

func world(r Reducer) int {
	if r == nil {
		return 1
	}
	return r.World()
}

// joint is what a tape needs to work with others: batch norm over all workers' pictures, and every gradient
// on its way as soon as it is finished. Gradients that gather over several batches travel with the last of
// them. join waits until all have arrived.
func (l *Loop) joint() (join func() error, opts []autograd.Option) {
	if l.Reducer == nil {
		return func() error { return nil }, nil
	}
	var waits []func() error
	opts = []autograd.Option{autograd.WithSums(l.Reducer.Sum)}
	if l.State.Held.Batches+1 == l.Accumulate || l.State.Batch+1 == l.Train.Batches() {
		opts = append(opts, autograd.WithGradDone(func(p *autograd.Param) {
			waits = append(waits, l.Reducer.Start(p.Name, p.Backend(), p.Grad().Buf))
		}))
	}
	return func() (err error) {
		for _, wait := range waits {
			if e := wait(); e != nil && err == nil {
				err = e
			}
		}
		return err
	}, opts
}
