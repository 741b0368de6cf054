package train

import (
	"fmt"
	"sync"

	"truegrain/kernels"
)

// Local joins n workers that are goroutines of this process. Sums are added in the order of the ranks, so
// that they are the same on every run.
func Local(n int) []Reducer {
	h := &hub{n: n, open: map[string]*meeting{}, aborted: make(chan struct{})}
	out := make([]Reducer, n)
	for i := range out {
		out[i] = &local{hub: h, rank: i}
	}
	return out
}

// hub is where local workers meet.
type hub struct {
	mu   sync.Mutex
	n    int
	open map[string]*meeting

	aborted chan struct{}
	err     error // why, once aborted is closed
}

// meeting is one sum: what each rank brings, and when it is done.
type meeting struct {
	parts []part
	here  int
	done  chan struct{}
	err   error
}

// part is a rank's values in host memory, and how the sum gets back to where they came from.
type part struct {
	values []float64
	put    func(sum []float64)
}

// local is one worker's place at the hub.
type local struct {
	*hub
	rank int
	sums int // so far: they are told apart by their number
}

func (l *local) Rank() int  { return l.rank }
func (l *local) World() int { return l.n }

// Start brings a gradient.
func (l *local) Start(name string, be kernels.Memory, g kernels.Buf) (wait func() error) {
	values := make([]float64, g.Len())
	be.Download(kernels.Of(values), g)
	return l.meet("gradient "+name, part{values, func(sum []float64) { be.Upload(g, kernels.Of(sum)) }})
}

// Sum brings some numbers.
func (l *local) Sum(v []float64) error {
	l.sums++
	mine := append([]float64{}, v...)
	return l.meet(fmt.Sprint("sum ", l.sums), part{mine, func(sum []float64) { copy(v, sum) }})()
}

// meet brings a part. The last rank to come adds them up, in the order of the ranks; each takes the sum home
// itself.
func (l *local) meet(name string, p part) (wait func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.open[name]
	if m == nil {
		m = &meeting{parts: make([]part, l.n), done: make(chan struct{})}
		l.open[name] = m
	}
	m.parts[l.rank] = p
	if m.here++; m.here == l.n {
		delete(l.open, name)
		m.add(name)
		close(m.done)
	}
	return func() error {
		select {
		case <-m.done:
		case <-l.aborted:
			select {
			case <-m.done: // both happened: the sum is there
			default:
				return l.err
			}
		}
		if m.err == nil {
			p.put(m.parts[0].values)
		}
		return m.err
	}
}

// add leaves the sum with rank 0.
func (m *meeting) add(name string) {
	sum := m.parts[0].values
	for _, p := range m.parts[1:] {
		if len(p.values) != len(sum) {
			m.err = fmt.Errorf("reduce %s: workers bring %d and %d values", name, len(sum), len(p.values))
			return
		}
		for i, v := range p.values {
			sum[i] += v
		}
	}
}

// Abort wakes everybody up.
func (l *local) Abort(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = fmt.Errorf("worker %d: %w", l.rank, err)
		close(l.aborted)
	}
}
