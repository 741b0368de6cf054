package cpu

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// pool is a fixed set of goroutines that help the callers of run. Idle helpers spin for some tens of
// microseconds, since the next layer is near, and then park, since another process may want the core.
//
// Every job is an ordered set of chunks that the caller and its helpers claim one by one. A caller never
// waits for a chunk that nobody has claimed, so calls may nest and may come from any number of goroutines.
type pool struct {
	mu     sync.Mutex
	work   sync.Cond
	jobs   []*job // those that may still have unclaimed chunks, guarded by mu
	ended  sync.WaitGroup
	idle   free[job] // jobs that are over: a call allocates nothing
	open   atomic.Int32
	parked int
	closed bool
}

// job is one call of run.
type job struct {
	f        func(chunk int)
	chunks   int64
	cancel   <-chan struct{}
	next     atomic.Int64  // the next chunk to claim
	helpers  atomic.Int32  // goroutines of the pool inside this job
	finished chan struct{} // what the last helper to leave says
	panicked atomic.Pointer[any]
}

// Spinning: rounds of polls with a Gosched between them, so that other goroutines get the core: about 50 µs.
const (
	spinRounds = 200
	spinPolls  = 256
)

func newPool(helpers int) *pool {
	p := &pool{}
	p.work.L = &p.mu
	for range helpers {
		p.ended.Go(p.help)
	}
	return p
}

// close ends the helpers and waits for them. Jobs that are running end on their callers.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.work.Broadcast()
	p.mu.Unlock()
	p.ended.Wait()
}

// run calls f for every chunk 0..chunks-1 and returns when all have returned. A chunk that has not started
// when cancel closes is left out. A panic of f is raised again here, when no chunk runs any more.
func (p *pool) run(chunks int, cancel <-chan struct{}, f func(chunk int)) {
	j := p.idle.get()
	j.f, j.chunks, j.cancel = f, int64(chunks), cancel
	j.next.Store(0)
	if chunks > 1 {
		p.publish(j)
	}
	j.claim()
	if chunks > 1 {
		p.withdraw(j)
		p.wait(j)
	}
	v := j.panicked.Swap(nil)
	j.f, j.cancel = nil, nil
	p.idle.put(j)
	if v != nil {
		panic(*v)
	}
}

// claim runs chunks until none is left.
func (j *job) claim() {
	defer func() {
		if v := recover(); v != nil {
			j.next.Store(j.chunks)
			first := v // a copy, since v would be on the heap if nothing panicked, too
			j.panicked.CompareAndSwap(nil, &first)
		}
	}()
	for {
		c := j.next.Add(1) - 1
		if c >= j.chunks || j.cancelled() {
			return
		}
		j.f(int(c))
	}
}

func (j *job) cancelled() bool {
	select {
	case <-j.cancel:
		return true
	default:
		return false
	}
}

// wait returns when no helper is inside the job, which must have been withdrawn: nobody joins any more, so
// the last helper to leave is the one that says so in finished. A word that came too late for this is taken
// back, since the job will serve again.
func (p *pool) wait(j *job) {
	if !j.deserted() {
		<-j.finished
		return
	}
	p.mu.Lock()
	select {
	case <-j.finished:
	default:
	}
	p.mu.Unlock()
}

// deserted spins until no helper is inside the job, or for a bounded time.
func (j *job) deserted() bool { return spinUntil(&j.helpers, func(n int32) bool { return n == 0 }) }

func (p *pool) publish(j *job) {
	p.mu.Lock()
	if j.finished == nil {
		j.finished = make(chan struct{}, 1)
	}
	p.jobs = append(p.jobs, j)
	p.open.Store(int32(len(p.jobs)))
	for range min(p.parked, int(j.chunks)-1) {
		p.work.Signal()
	}
	p.mu.Unlock()
}

// withdraw lets no more helpers join.
func (p *pool) withdraw(j *job) {
	p.mu.Lock()
	p.remove(j)
	p.mu.Unlock()
}

func (p *pool) remove(j *job) {
	if i := slices.Index(p.jobs, j); i >= 0 {
		p.jobs = slices.Delete(p.jobs, i, i+1)
	}
	p.open.Store(int32(len(p.jobs)))
}

// help is the life of one helper.
func (p *pool) help() {
	for {
		spinUntil(&p.open, func(n int32) bool { return n > 0 })
		j := p.join()
		if j == nil {
			return
		}
		j.claim()
		p.leave(j)
	}
}

// join takes the newest job (the innermost, when they nest), parked until there is one; nil when the pool
// closes.
func (p *pool) join() *job {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.jobs) == 0 && !p.closed {
		p.parked++
		p.work.Wait()
		p.parked--
	}
	if p.closed {
		return nil
	}
	j := p.jobs[len(p.jobs)-1]
	j.helpers.Add(1)
	return j
}

func (p *pool) leave(j *job) {
	p.mu.Lock()
	p.remove(j) // it has no unclaimed chunks
	if j.helpers.Add(-1) == 0 {
		select {
		case j.finished <- struct{}{}:
		default:
		}
	}
	p.mu.Unlock()
}

// spinUntil polls a number for a bounded time and says whether it became ready.
func spinUntil(n *atomic.Int32, ready func(n int32) bool) bool {
	for range spinRounds {
		for range spinPolls {
			if ready(n.Load()) {
				return true
			}
		}
		runtime.Gosched()
	}
	return false
}
