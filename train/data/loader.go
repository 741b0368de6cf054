package data

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"

	"truegrain/tensor"
)

// Batch is some pictures cut to one size, in host memory. All of them may be unread: then there is no X.
type Batch struct {
	X      tensor.Tensor // (B,S,S,3), normalised; or bytes, of which Mean and Std make values
	Label  []int32
	Mask   tensor.Tensor // (B,S,S,1): p(photograph) of every pixel; the zero Tensor if the set has no masks
	Unread []Unread      // pictures that belong here and could not be read

	Mean, Std [3]float32
}

// Unread is a picture that could not be read, and why.
type Unread struct{ Path, Reason string }

// LoaderOptions sets how a set becomes batches.
type LoaderOptions struct {
	Batch, Size int // pictures in a batch of one worker; side of the crops
	Mean, Std   [3]float32
	Seed        uint64
	// Shuffle draws an order for each epoch; otherwise pictures come in the set's order.
	Shuffle bool
	// Augment is the zero value for the middle of each picture as it is. Pictures smaller than Size are
	// padded with black.
	Augment Augment
	// Rank and World deal the pictures out to several workers: batch k of all of them together holds the
	// pictures that a single worker with batches World times as large would see in its batch k, rank 0 those
	// in front. World 0 is 1.
	Rank, World int
	// Bytes leaves pictures as they are, for a device that normalises them.
	Bytes bool
	// CacheBytes keeps decoded pictures in memory up to this many bytes, so that later epochs need not decode
	// them.
	CacheBytes int64
}

// Loader turns a set into batches, decoding ahead on every core. What it gives depends on its seed and the
// epoch, not on the number of cores. A batch is a fixed stretch of the epoch's order: one that has a picture
// that can't be read is smaller for it.
type Loader struct {
	set    *Set
	o      LoaderOptions
	masks  bool
	cached atomic.Int64
	mu     sync.Mutex
	cache  map[int]*sample
}

// NewLoader checks the options.
func NewLoader(set *Set, o LoaderOptions) (*Loader, error) {
	o.World = max(o.World, 1)
	if o.Batch < 1 || o.Size < 1 {
		return nil, fmt.Errorf("loader: batch %d and size %d, want at least 1", o.Batch, o.Size)
	}
	if o.Rank < 0 || o.Rank >= o.World {
		return nil, fmt.Errorf("loader: rank %d of %d workers", o.Rank, o.World)
	}
	for _, s := range o.Std {
		if !(s > 0) {
			return nil, fmt.Errorf("loader: std %v, want positive numbers", o.Std)
		}
	}
	if err := o.Augment.Check(); err != nil {
		return nil, fmt.Errorf("loader: augment.%w", err)
	}
	l := &Loader{set: set, o: o, cache: map[int]*sample{}}
	for _, it := range set.Items {
		l.masks = l.masks || it.Mask != ""
	}
	return l, nil
}

// Batches is how many batches an epoch has, Pictures how many pictures, of all workers together.
func (l *Loader) Batches() int {
	all := l.o.Batch * l.o.World
	return (len(l.set.Items) + all - 1) / all
}

// Pictures is how many pictures an epoch has, of all workers together.
func (l *Loader) Pictures() int { return len(l.set.Items) }

// stretch is the places in the epoch's order that belong to this worker's batch k. What is left for the last
// batch is dealt out evenly.
func (l *Loader) stretch(k int) (from, to int) {
	all := l.o.Batch * l.o.World
	start := k * all
	n := min(all, len(l.set.Items)-start)
	return start + n*l.o.Rank/l.o.World, start + n*(l.o.Rank+1)/l.o.World
}

// Epoch gives the batches of an epoch from batch number first on. It stops early, without an error, when ctx
// ends.
func (l *Loader) Epoch(ctx context.Context, epoch, first int) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		views := l.ahead(ctx, epoch, first)
		for k := first; k < l.Batches(); k++ {
			var now []view
			for from, to := l.stretch(k); from < to; from++ {
				promise, ok := <-views
				if !ok {
					return
				}
				select {
				case v := <-promise:
					now = append(now, v)
				case <-ctx.Done():
					return
				}
			}
			if ctx.Err() != nil || !yield(l.batch(now), nil) {
				return
			}
		}
	}
}

// ahead decodes in the epoch's order, a few batches before they are wanted. Each place in the channel is a
// promise: the order does not depend on which worker is first.
func (l *Loader) ahead(ctx context.Context, epoch, first int) <-chan chan view {
	workers := runtime.GOMAXPROCS(0)
	promises := make(chan chan view, 2*l.o.Batch+workers)
	type job struct {
		index int
		to    chan view
	}
	jobs := make(chan job)
	for range workers {
		go func() {
			for j := range jobs {
				j.to <- l.view(epoch, j.index)
			}
		}()
	}
	go func() {
		defer close(promises)
		defer close(jobs)
		for _, index := range l.order(epoch, first) {
			j := job{index, make(chan view, 1)}
			select {
			case promises <- j.to:
			case <-ctx.Done():
				return
			}
			select {
			case jobs <- j:
			case <-ctx.Done():
				return
			}
		}
	}()
	return promises
}

// order is the pictures of this worker from its batch number first on.
func (l *Loader) order(epoch, first int) []int {
	var all []int
	if l.o.Shuffle {
		all = Permutation(l.o.Seed, uint32(epoch), len(l.set.Items))
	}
	var mine []int
	for k := first; k < l.Batches(); k++ {
		for from, to := l.stretch(k); from < to; from++ {
			if l.o.Shuffle {
				mine = append(mine, all[from])
			} else {
				mine = append(mine, from)
			}
		}
	}
	return mine
}
