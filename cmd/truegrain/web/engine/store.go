package engine

import (
	"container/list"
	"crypto/rand"
	"sync"
	"time"
)

// Store keeps results in memory under names that can't be guessed, for some minutes, up to a number and an
// amount of memory. What was not used for longest goes first.
type Store struct {
	limits Limits
	now    func() time.Time

	mu    sync.Mutex
	byID  map[string]*list.Element
	order *list.List // of *Result, the one used last in front
	bytes int64
}

func newStore(l Limits) *Store {
	return &Store{limits: l, now: time.Now, byID: map[string]*list.Element{}, order: list.New()}
}

// Keep names a result and keeps it, unless that was done before.
func (s *Store) Keep(r *Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.ID != "" {
		return
	}
	r.ID, r.Made = rand.Text(), s.now()
	r.Expires = r.Made.Add(s.limits.Keep)
	s.byID[r.ID] = s.order.PushFront(r)
	s.bytes += r.bytes
	s.trim()
}

// grow says that a result takes n bytes more than before.
func (s *Store) grow(r *Result, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID[r.ID] == nil {
		return // gone already: who still holds it pays for it
	}
	r.bytes += n
	s.bytes += n
	s.trim()
}

// trim lets go of what is too old, and of what is too much; the front one stays.
func (s *Store) trim() {
	now := s.now()
	for e := s.order.Back(); e != nil; {
		before := e.Prev()
		r := e.Value.(*Result)
		tooMuch := s.order.Len() > s.limits.Results || s.bytes > s.limits.Kept
		if !now.Before(r.Expires) || tooMuch && e != s.order.Front() {
			s.drop(e)
		}
		e = before
	}
}

func (s *Store) drop(e *list.Element) {
	r := s.order.Remove(e).(*Result)
	delete(s.byID, r.ID)
	s.bytes -= r.bytes
}

// Get is a result by its name, or ErrGone.
func (s *Store) Get(id string) (*Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byID[id]
	if e == nil {
		return nil, ErrGone
	}
	r := e.Value.(*Result)
	if !s.now().Before(r.Expires) {
		s.drop(e)
		return nil, ErrGone
	}
	s.order.MoveToFront(e)
	return r, nil
}

// Delete forgets a result; it says whether there was one.
func (s *Store) Delete(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byID[id]
	if e != nil {
		s.drop(e)
	}
	return e != nil
}

// Sweep lets go of what is too old.
func (s *Store) Sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trim()
}

// Size is how many results are kept, and their bytes.
func (s *Store) Size() (n int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.order.Len(), s.bytes
}
