// Package cpu computes on the processor: goroutine-parallel Go over kernels in assembly, each of which exists
// in Go as well. The level, "generic" (Go), "avx2" or "avx512", is chosen once, when the backend is opened.
// README.md beside it says how it is fast, and why.
//
// Results do not depend on the number of cores or on timing: work is cut in chunks whose number follows from
// the shapes alone, and partial sums are added in the order of the chunks.
package cpu

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"truegrain/kernels"
)

// Backend is the processor at one level. It is safe for many goroutines.
type Backend struct {
	kernels.Unsupported
	*shared
	cancel <-chan struct{} // of the context; nil never cancels
}

// shared is what a backend and its WithContext siblings have in common.
type shared struct {
	level    *level
	choices  choices
	pool     *pool
	scratch  scratch
	plans    free[plan]
	runners  free[runner]
	packers  free[packer]
	rounders free[rounder]
	mixers   free[mixer]

	resamplings free[resampling]
	works       sync.Map // by type of argument, see over
	pools       free[poolArgs]
	poolings    free[poolTables]
	slides      free[depthwiseArgs]

	attentions        free[attention]
	chunksOfAttention free[attentionChunk]

	winogradCalls   free[winogradCall]
	winogradRunners free[winogradRunner]
}

func init() {
	kernels.Register(kernels.Driver{
		Kind:    "cpu",
		Open:    func(arg string) (kernels.Backend, error) { return open(arg) },
		Devices: devices,
	})
}

// open opens the named level, or for "" the best one, with the choices of the word behind it.
func open(arg string) (*Backend, error) {
	levels, err := available()
	if err != nil {
		return nil, err
	}
	name, word, _ := strings.Cut(arg, ",")
	if _, alone := words[arg]; alone {
		name, word = "", arg
	}
	choices, known := words[word]
	for _, l := range levels {
		if known && (name == "" || name == l.name) {
			b := newBackend(l)
			b.choices = choices
			return b, nil
		}
	}
	return nil, fmt.Errorf("%w: this processor offers %s", kernels.ErrNoBackend, join(levels))
}

func newBackend(l *level) *Backend {
	return &Backend{
		Unsupported: kernels.Unsupported{Backend: "cpu:" + l.name},
		shared:      &shared{level: l, pool: newPool(runtime.GOMAXPROCS(0) - 1)},
	}
}

func devices() (out []kernels.DeviceInfo) {
	levels, err := available()
	if err != nil {
		return []kernels.DeviceInfo{{Spec: "cpu", Err: err}}
	}
	for _, l := range levels {
		out = append(out, kernels.DeviceInfo{
			Spec:        "cpu:" + l.name,
			Description: fmt.Sprintf("%s, %d threads, %s kernels", brand(), runtime.GOMAXPROCS(0), l.name),
		})
	}
	return out
}

func join(levels []*level) string {
	var names []string
	for _, l := range levels {
		names = append(names, "cpu:"+l.name)
	}
	return strings.Join(names, ", ")
}

// Name is "cpu:" and the level.
func (b *Backend) Name() string { return "cpu:" + b.level.name }

// DType is float32.
func (b *Backend) DType() kernels.DType { return kernels.F32 }

// WithContext is this backend, looking at ctx between chunks.
func (b *Backend) WithContext(ctx context.Context) kernels.Backend {
	return &Backend{b.Unsupported, b.shared, ctx.Done()}
}

// Close ends the worker pool. The backend still computes, on the goroutines that call it.
func (b *Backend) Close() error {
	b.pool.close()
	return nil
}

// parallel calls f on the chunks [0,grain), [grain,2·grain) ... of [0,n), on this goroutine and on idle
// cores, in no fixed order, and returns when all are done. It may be nested. When the context ends, chunks
// that have not started are left out. A panic of f is raised here.
func (b *Backend) parallel(n, grain int, f func(lo, hi int)) {
	b.chunks((n+grain-1)/grain, func(c int) { f(c*grain, min(n, (c+1)*grain)) })
}

// parallelBack is parallel from the last chunk on, for a second pass over what the caches hold no more than
// the end of.
func (b *Backend) parallelBack(n, grain int, f func(lo, hi int)) {
	last := (n+grain-1)/grain - 1
	b.chunks(last+1, func(c int) { f((last-c)*grain, min(n, (last-c+1)*grain)) })
}

// chunks calls f for every chunk 0..n-1, as parallel does: for work that is not a range, or that keeps
// partial sums by chunk and adds them in order afterwards.
func (b *Backend) chunks(n int, f func(c int)) { b.pool.run(n, b.cancel, f) }

// cancelled says that the context has ended: a long chunk may stop.
func (b *Backend) cancelled() bool {
	select {
	case <-b.cancel:
		return true
	default:
		return false
	}
}
