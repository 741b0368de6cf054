package cpu

import "reflect"

// over is parallel for work that is given an argument of its own, the op mostly, in memory that the backend
// keeps: a call allocates nothing, where a closure would carry its variables to the heap. f must not keep
// arg.
func over[T any](b *Backend, n, grain int, arg T, f func(b *Backend, arg *T, lo, hi int)) {
	w := workOn[T](b)
	w.arg, w.f = arg, f
	w.execute(n, grain)
}

// overPieces is over for rows of n elements: it calls f for every row, whole, or in parts where rows are
// long, with elements lo..hi-1 of row r.
func overPieces[T any](b *Backend, rows, n int, arg T, f func(b *Backend, arg *T, r, lo, hi int)) {
	w := workOn[T](b)
	w.arg, w.piece, w.width, w.parts = arg, f, n, max(1, (n+elementGrain-1)/elementGrain)
	grain := 1
	if w.parts == 1 {
		grain = rowGrain(n)
	}
	w.execute(rows*w.parts, grain)
}

// work is one call of over or of overPieces.
type work[T any] struct {
	b        *Backend
	kept     *free[work[T]] // where it goes back to
	arg      T
	n, grain int
	f        func(b *Backend, arg *T, lo, hi int)    // nil for pieces:
	piece    func(b *Backend, arg *T, r, lo, hi int) // of rows of
	width    int                                     // elements, cut in
	parts    int
	run      func(c int) // w.chunk, made once
}

// workOn is work that is over and serves again, or new work.
func workOn[T any](b *Backend) *work[T] {
	key := reflect.TypeFor[T]()
	kept, ok := b.works.Load(key)
	if !ok {
		kept, _ = b.works.LoadOrStore(key, &free[work[T]]{})
	}
	list := kept.(*free[work[T]])
	w := list.get()
	if w.run == nil {
		w.run = w.chunk
	}
	w.b, w.kept = b, list
	return w
}

func (w *work[T]) execute(n, grain int) {
	w.n, w.grain = n, grain
	w.b.chunks((n+grain-1)/grain, w.run)
	var none T
	w.b, w.arg, w.f, w.piece = nil, none, nil, nil // what they point to may go
	w.kept.put(w)
}

func (w *work[T]) chunk(c int) {
	lo, hi := c*w.grain, min(w.n, (c+1)*w.grain)
	if w.f != nil {
		w.f(w.b, &w.arg, lo, hi)
		return
	}
	for i := lo; i < hi; i++ {
		k := i % w.parts
		w.piece(w.b, &w.arg, i/w.parts, k*w.width/w.parts, (k+1)*w.width/w.parts)
	}
}
