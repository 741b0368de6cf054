package cpu

import (
	"math/bits"
	"sync"
)

// scratch lends float32 memory that ops need for their own duration: packed operands, partial sums. It keeps
// what comes back, so that a training step makes no garbage of size.
type scratch struct {
	mu   sync.Mutex
	free [48][][]float32 // by power of two of the capacity
}

// get is n floats of arbitrary content.
func (s *scratch) get(n int) []float32 {
	c := class(n)
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.free[c]; len(l) > 0 {
		s.free[c] = l[:len(l)-1]
		return l[len(l)-1][:n]
	}
	x := make([]float32, n, 1<<c)
	onHugePages(x)
	return x
}

// put takes back what get gave; nil is nothing.
func (s *scratch) put(x []float32) {
	if x == nil {
		return
	}
	c := class(cap(x))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free[c] = append(s.free[c], x)
}

func class(n int) int { return bits.Len(uint(max(n, 64) - 1)) }

// free keeps objects that are needed by one goroutine at a time.
type free[T any] struct {
	mu   sync.Mutex
	list []*T
}

func (f *free[T]) get() *T {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.list); n > 0 {
		x := f.list[n-1]
		f.list = f.list[:n-1]
		return x
	}
	return new(T)
}

func (f *free[T]) put(x *T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, x)
}
