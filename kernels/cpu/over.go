package cpu

import "reflect"

// over is parallel for work that is given an argument of its own, the op mostly, in memory that the backend keeps:
// a call allocates nothing, where a closure would carry its variables to the heap. f must not keep arg.
func over[T any](b *Backend, n, grain int, arg T, f func(b *Backend, arg *T, lo, hi int)) {
	kept := keptOf[T](b)
	w := kept.get()
	if w.run == nil {
		w.run = w.chunk
	}
	w.b, w.arg, w.f, w.n, w.grain = b, arg, f, n, grain
	b.chunks((n+grain-1)/grain, w.run)
	w.b, w.f = nil, nil
	var none T
	w.arg = none // what it points to may go
	kept.put(w)
}

// work is one call of over.
type work[T any] struct {
	b        *Backend
	arg      T
	f        func(b *Backend, arg *T, lo, hi int)
	n, grain int
	run      func(c int) // w.chunk, made once
}

func (w *work[T]) chunk(c int) { w.f(w.b, &w.arg, c*w.grain, min(w.n, (c+1)*w.grain)) }

// keptOf is the work on arguments of one type that is over and will serve again.
func keptOf[T any](b *Backend) *free[work[T]] {
	key := reflect.TypeFor[T]()
	if l, ok := b.works.Load(key); ok {
		return l.(*free[work[T]])
	}
	l, _ := b.works.LoadOrStore(key, &free[work[T]]{})
	return l.(*free[work[T]])
}
