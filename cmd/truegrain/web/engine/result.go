package engine

import (
	"context"
	"sync"
	"time"

	"truegrain/models/detect"
	"truegrain/models/explain"
)

// Result is one picture, and what was found out about it so far. The file is kept, not its pixels: they are
// decoded again where they are needed.
type Result struct {
	ID            string
	Name          string // as the sender named the file; text of a stranger
	Known         string // what is known of where it comes from; empty if nothing
	Data          []byte
	Format        string
	W, H          int
	Made, Expires time.Time

	bytes int64 // guarded by the store

	mu     sync.Mutex
	scores []Score
	took   Timings

	maps      []lazy[[]detect.Map] // by detector
	stages    []perView[[]detect.Stage]
	attention []perView[*Attention]
	holds     lazy[[]Held]
	shots     [2]lazy[[]byte] // small, large
}

// Score is one detector's answer: a verdict, an error, or neither while it works or if nobody has asked.
type Score struct {
	Verdict *detect.Verdict
	Err     error
	Pending bool // it was asked and has not answered
}

// Timings say where the time of a picture went.
type Timings struct {
	Upload, Queue, Decode time.Duration
}

// Attention is what a transformer's layers and heads look at within one view of a picture.
type Attention struct {
	Distances [][]float64
	*explain.Attention
}

// Scores is a snapshot, one for each detector.
func (r *Result) Scores() []Score {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Score(nil), r.scores...)
}

// Took says where the time went.
func (r *Result) Took() Timings {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.took
}

func (r *Result) set(detector int, s Score) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scores[detector] = s
}

// pending marks those of the detectors that have not answered as at work, or as not.
func (r *Result) pending(detectors []int, yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range detectors {
		r.scores[i].Pending = yes && r.scores[i].Verdict == nil
	}
}

func (r *Result) timed(queue, decode time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.took.Queue, r.took.Decode = queue, decode
}

// missing is those of the wanted detectors that have not answered.
func (r *Result) missing(wanted []int) (out []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range wanted {
		if r.scores[i].Verdict == nil {
			out = append(out, i)
		}
	}
	return out
}

// Verdicts is what the detectors have said so far.
func (r *Result) Verdicts() (out []*detect.Verdict) {
	for _, s := range r.Scores() {
		if s.Verdict != nil {
			out = append(out, s.Verdict)
		}
	}
	return out
}

// keep makes one of the result's lazy values on the engine's second lane, and counts what it takes.
func keep[T any](ctx context.Context, e *Engine, r *Result, l *lazy[T], what string, size func(T) int64,
	produce func(context.Context) (T, error)) (T, error) {
	return l.get(ctx, func(ctx context.Context) (v T, err error) {
		err = e.aside(ctx, what, func(ctx context.Context) error {
			v, err = produce(ctx)
			return err
		})
		if err == nil {
			e.Store.grow(r, size(v))
		}
		return v, err
	})
}
