package train

import (
	"iter"

	"truegrain/train/data"
)

// batches are those of an epoch, the next of which can be looked at before it is its turn.
type batches struct {
	next func() (*data.Batch, error, bool)
	stop func()

	here bool // has been looked at:
	b    *data.Batch
	err  error
	ok   bool
}

func ahead(epoch iter.Seq2[*data.Batch, error]) batches {
	next, stop := iter.Pull2(epoch)
	return batches{next: next, stop: stop}
}

// peek is the next batch; nil if there is none, or it could not be had.
func (b *batches) peek() *data.Batch {
	if !b.here && b.next != nil {
		b.b, b.err, b.ok = b.next()
		b.here = true
	}
	return b.b
}

// all gives the batches in their order.
func (b *batches) all(yield func(*data.Batch, error) bool) {
	for {
		b.peek()
		now, err, ok := b.b, b.err, b.ok
		b.here, b.b = false, nil
		if !ok || !yield(now, err) {
			return
		}
	}
}
