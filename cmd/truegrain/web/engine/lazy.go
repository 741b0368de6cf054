package engine

import (
	"context"
	"sync"
)

// lazy is a value that is made when first asked for, once for all who wait; when the last of them leaves, the
// making stops. A failure is not kept: the next one who asks tries again.
type lazy[T any] struct {
	mu    sync.Mutex
	value *T
	call  *call[T]
}

// call is a making under way.
type call[T any] struct {
	waiting int
	cancel  context.CancelCauseFunc
	done    chan struct{}
	value   T
	err     error
}

// get is the value; produce is called with a context that ends when nobody waits any more.
func (l *lazy[T]) get(ctx context.Context, produce func(context.Context) (T, error)) (T, error) {
	l.mu.Lock()
	if l.value != nil {
		defer l.mu.Unlock()
		return *l.value, nil
	}
	c := l.call
	if c == nil {
		c = l.start(context.WithoutCancel(ctx), produce)
	}
	c.waiting++
	l.mu.Unlock()
	select {
	case <-c.done:
		return c.value, c.err
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.waiting--; c.waiting == 0 {
		c.cancel(context.Cause(ctx))
		if l.call == c {
			l.call = nil // who asks from now on starts anew
		}
	}
	var none T
	return none, context.Cause(ctx)
}

func (l *lazy[T]) start(ctx context.Context, produce func(context.Context) (T, error)) *call[T] {
	c := &call[T]{done: make(chan struct{})}
	ctx, c.cancel = context.WithCancelCause(ctx)
	l.call = c
	go func() {
		defer c.cancel(nil)
		c.value, c.err = produce(ctx)
		l.mu.Lock()
		if l.call == c {
			l.call = nil
		}
		if c.err == nil {
			l.value = &c.value
		}
		l.mu.Unlock()
		close(c.done)
	}()
	return c
}

// peek is the value if it was made already.
func (l *lazy[T]) peek() (v T, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.value == nil {
		return v, false
	}
	return *l.value, true
}
