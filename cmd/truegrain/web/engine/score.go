package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"truegrain/models/detect"
	"truegrain/tensor/picture"
)

// Event is a step of a picture's way to its scores.
type Event struct {
	Stage    string // "queued", "decoded", "scored"
	Detector int    // of "scored"
	Place    int    // of "queued": how many are before
	Took     time.Duration
}

// job is a picture that somebody waits for.
type job struct {
	ctx     context.Context
	result  *Result
	wanted  []int
	see     func(Event)
	entered time.Time
	picture *picture.Picture
	err     error
	done    chan struct{}
}

// Score asks the wanted detectors, all for nil, and keeps the result. see, which may be nil, hears of every
// step; it is called from this goroutine. A detector's own failure stands in the result; the error is
// ErrBusy, the picture's, or the context's.
func (e *Engine) Score(ctx context.Context, r *Result, wanted []int, see func(Event)) error {
	if wanted == nil {
		for i := range e.Detectors {
			wanted = append(wanted, i)
		}
	}
	if wanted = r.missing(wanted); len(wanted) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, e.Limits.Deadline, ErrTimeout)
	defer cancel()
	events := make(chan Event, 1+len(wanted)) // as many as there can be: nobody waits for a reader
	j := &job{ctx: ctx, result: r, wanted: wanted, see: func(ev Event) { events <- ev }, entered: time.Now(),
		done: make(chan struct{})}
	place := len(e.queue)
	select {
	case e.queue <- j:
	default:
		return ErrBusy
	}
	e.flight.Add(1)
	defer e.flight.Add(-1)
	r.pending(wanted, true)
	defer r.pending(wanted, false)
	tell := see
	if tell == nil {
		tell = func(Event) {}
	}
	tell(Event{Stage: "queued", Place: place})
	return e.wait(j, events, tell)
}

// wait tells what happens to a job until it is done or nobody waits for it any more.
func (e *Engine) wait(j *job, events <-chan Event, tell func(Event)) error {
	for {
		select {
		case ev := <-events:
			tell(ev)
		case <-j.done:
			for len(events) > 0 {
				tell(<-events)
			}
			return e.finish(j)
		case <-j.ctx.Done():
			return context.Cause(j.ctx)
		case <-e.stopped.Done():
			return ErrClosed
		}
	}
}

// finish keeps what came of a job.
func (e *Engine) finish(j *job) error {
	if j.err == nil {
		e.Store.Keep(j.result)
	}
	return j.err
}

// decoder takes pictures from the queue, decodes them and hands them on.
func (e *Engine) decoder() {
	for {
		select {
		case j := <-e.queue:
			e.coming.Add(1)
			e.prepare(j)
		case <-e.stopped.Done():
			return
		}
	}
}

func (e *Engine) prepare(j *job) {
	waited := time.Since(j.entered)
	e.meter.Stage("queue", waited)
	if j.err = context.Cause(j.ctx); j.err == nil {
		start := time.Now()
		j.picture, j.err = e.decode(j.ctx, j.result)
		j.result.timed(waited, time.Since(start))
		j.see(Event{Stage: "decoded", Took: time.Since(start)})
	}
	if j.err != nil {
		e.coming.Add(-1)
		close(j.done)
		return
	}
	select {
	case e.ready <- j:
	case <-j.ctx.Done():
		e.coming.Add(-1)
		j.err = context.Cause(j.ctx)
		close(j.done)
	case <-e.stopped.Done():
		e.coming.Add(-1)
	}
}

// scorer takes decoded pictures in batches.
func (e *Engine) scorer() {
	for {
		select {
		case j := <-e.ready:
			batch := e.gather(j)
			e.meter.Batch(len(batch))
			e.score(batch)
		case <-e.stopped.Done():
			return
		}
	}
}

// gather waits for pictures that are on their way, but not for longer than the window, and not at all if
// there are none.
func (e *Engine) gather(first *job) []*job {
	e.coming.Add(-1)
	batch, pixels := []*job{first}, first.result.W*first.result.H
	var window <-chan time.Time
	for len(batch) < e.Limits.Batch && pixels < batchPixels {
		if e.coming.Load() == 0 && len(e.queue) == 0 {
			break
		}
		if window == nil {
			timer := time.NewTimer(e.Limits.Window)
			defer timer.Stop()
			window = timer.C
		}
		select {
		case j := <-e.ready:
			e.coming.Add(-1)
			batch, pixels = append(batch, j), pixels+j.result.W*j.result.H
		case <-window:
			return batch
		}
	}
	return batch
}

// score asks one detector after the other about a batch; each computes on all cores.
func (e *Engine) score(batch []*job) {
	ctx, stop := together(e.stopped, batch)
	defer stop()
	for i, d := range e.Detectors {
		var asks []detect.Ask
		var who []*job
		for _, j := range batch {
			if j.wants(i) && j.ctx.Err() == nil {
				asks, who = append(asks, detect.Ask{Context: j.ctx, Picture: j.picture}), append(who, j)
			}
		}
		if len(asks) == 0 {
			continue
		}
		start := time.Now()
		answers := d.ScoreAll(ctx, asks)
		took := time.Since(start)
		e.meter.Stage("score", took)
		for k, j := range who {
			e.answer(j, i, answers[k], took)
		}
	}
	for _, j := range batch {
		j.picture = nil
		if j.err == nil {
			j.err = context.Cause(j.ctx)
		}
		close(j.done)
	}
}

func (e *Engine) answer(j *job, detector int, a detect.Answer, took time.Duration) {
	s := Score{Err: a.Err}
	if a.Err == nil {
		s.Verdict = e.Detectors[detector].Verdict(a, took)
	}
	if a.Err != nil && (j.ctx.Err() != nil || errors.Is(a.Err, context.Canceled)) {
		return // nobody waits: the next who asks asks anew
	}
	j.result.set(detector, s)
	j.see(Event{Stage: "scored", Detector: detector, Took: took})
}

func (j *job) wants(detector int) bool {
	for _, i := range j.wanted {
		if i == detector {
			return true
		}
	}
	return false
}

// together is a context that ends when all jobs' have ended.
func together(parent context.Context, batch []*job) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	var left atomic.Int64
	left.Store(int64(len(batch)))
	stops := make([]func() bool, len(batch))
	for i, j := range batch {
		stops[i] = context.AfterFunc(j.ctx, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		})
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}
