package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"truegrain/models/detect"
	"truegrain/tensor/picture"
)

// Engine scores and explains pictures. It has two lanes: scores, in batches, and everything that takes long,
// one at a time, so that a map that somebody looks at does not hold up another's score.
type Engine struct {
	Detectors []*detect.Detector
	Limits    Limits
	Store     *Store
	Uploads   *Budget
	meter     Meter

	queue   chan *job     // waiting to be decoded
	ready   chan *job     // decoded
	coming  atomic.Int64  // jobs that are decoded or wait for a batch
	flight  atomic.Int64  // jobs that were accepted and are not answered
	asides  atomic.Int64  // explanations that wait or run
	aided   atomic.Int64  // when the last one ended, in nanoseconds; 0: what they keep was given back
	lane    chan struct{} // holds one token: the second lane
	drawing chan struct{} // holds a token for each picture that is drawn
	stop    context.CancelFunc
	stopped context.Context
	workers sync.WaitGroup
}

// scorers is how many batches are scored at the same time. Each computes on all cores, and the other one has
// work for a core that would wait: at the end of an op, or because the other core serves connections
// meanwhile.
const scorers = 2

// drawers is how many pictures are drawn for pages at the same time.
const drawers = 2

// Meter hears what the engine does; prometheus does in the server.
type Meter interface {
	Stage(name string, took time.Duration)
	Batch(pictures int)
}

// New starts the engine. Every detector is made ready before it returns.
func New(ctx context.Context, detectors []*detect.Detector, l Limits, m Meter) (*Engine, error) {
	for _, d := range detectors {
		if err := d.Warm(ctx); err != nil {
			return nil, err
		}
	}
	e := &Engine{Detectors: detectors, Limits: l, Store: newStore(l), Uploads: &Budget{most: l.Uploads},
		meter: m, queue: make(chan *job, l.Queue), ready: make(chan *job), lane: make(chan struct{}, 1),
		drawing: make(chan struct{}, drawers)}
	e.stopped, e.stop = context.WithCancel(context.Background())
	for range min(runtime.GOMAXPROCS(0), 4) {
		e.workers.Go(e.decoder)
	}
	for range scorers {
		e.workers.Go(e.scorer)
	}
	e.workers.Go(e.sweeper)
	return e, nil
}

// Close stops the engine: what is under way ends with ErrClosed. It is called when no request is left.
func (e *Engine) Close() {
	e.stop()
	e.workers.Wait()
}

// Waiting is how many pictures wait, Flight how many were accepted and are not answered yet.
func (e *Engine) Waiting() int { return len(e.queue) }

// Flight is how many pictures were accepted and are not answered yet.
func (e *Engine) Flight() int { return int(e.flight.Load()) }

// Full says that the next picture would be refused.
func (e *Engine) Full() bool { return len(e.queue) == cap(e.queue) }

func (e *Engine) sweeper() {
	tick := time.NewTicker(min(e.Limits.Keep, 10*time.Second))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			e.Store.Sweep()
			e.rested()
		case <-e.stopped.Done():
			return
		}
	}
}

// rest is after how long without an explanation the memory is given back that they keep for the next one:
// some 200 MB with the bundled detectors.
const rest = time.Minute

// rested gives it back if it is time to; it says how many bytes.
func (e *Engine) rested() (bytes int64) {
	last := e.aided.Load()
	if last == 0 || e.asides.Load() > 0 || time.Since(time.Unix(0, last)) < rest ||
		!e.aided.CompareAndSwap(last, 0) {
		return 0
	}
	for _, d := range e.Detectors {
		bytes += d.Trim()
	}
	return bytes
}

// Index is the number of a detector by its name.
func (e *Engine) Index(name string) (int, error) {
	i := slices.IndexFunc(e.Detectors, func(d *detect.Detector) bool { return d.Name == name })
	if i < 0 {
		return 0, &UnknownError{fmt.Sprintf("detector %q; there are %s", name, e.names())}
	}
	return i, nil
}

func (e *Engine) names() (s string) {
	for i, d := range e.Detectors {
		if i > 0 {
			s += ", "
		}
		s += d.Name
	}
	return s
}

// Admit looks at a file's headers and makes a result of it, which is not kept yet. Errors are *picture.Error.
func (e *Engine) Admit(name string, data []byte, upload time.Duration) (*Result, error) {
	info, err := picture.Inspect(data, e.Limits.Picture)
	if errors.Is(err, picture.ErrNotAPicture) {
		if k := what(data); k != "" {
			err = &picture.Error{Reason: err.Error() + ": the file is " + k, Err: picture.ErrNotAPicture}
		}
	}
	if err != nil {
		return nil, err
	}
	if k := polyglot(data); k != "" {
		return nil, &picture.Error{Reason: "not only a picture: the file is " + k + " as well",
			Err: picture.ErrNotAPicture}
	}
	n := len(e.Detectors)
	r := &Result{Name: name, Data: data, Format: info.Format, W: info.W, H: info.H, bytes: int64(cap(data)),
		scores: make([]Score, n), maps: make([]lazy[[]detect.Map], n),
		stages: make([]perView[[]detect.Stage], n), attention: make([]perView[*Attention], n)}
	r.took.Upload = upload
	return r, nil
}

// decode is a result's pixels, within the time that a picture may take.
func (e *Engine) decode(ctx context.Context, r *Result) (*picture.Picture, error) {
	start := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, e.Limits.DecodeTime, ErrTooSlow)
	defer cancel()
	p, err := picture.DecodeContext(ctx, r.Data, e.Limits.Picture)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	e.meter.Stage("decode", time.Since(start))
	return p, err
}

// aside runs f on the second lane, when its turn comes.
func (e *Engine) aside(ctx context.Context, what string, f func(context.Context) error) error {
	if e.asides.Add(1) > int64(e.Limits.Queue) {
		e.asides.Add(-1)
		return ErrBusy
	}
	defer e.asides.Add(-1)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(e.stopped, func() { cancel(ErrClosed) })()
	select {
	case e.lane <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-e.lane }()
	start := time.Now()
	err := f(ctx)
	e.meter.Stage(what, time.Since(start))
	e.aided.Store(time.Now().UnixNano())
	return err
}
