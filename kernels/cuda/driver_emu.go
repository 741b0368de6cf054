//go:build emu

package cuda

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"truegrain/kernels"
	"truegrain/kernels/cuda/emu"
	"truegrain/kernels/cuda/emu/interp"
)

func init() {
	kernels.Register(kernels.Driver{Kind: "emu", Open: openEmu, Devices: func() []kernels.DeviceInfo {
		path, err := emuLibrary("libemu.so")
		if err == nil {
			_, err = os.Stat(path)
		}
		return []kernels.DeviceInfo{{Spec: "emu", Description: "the CUDA kernels on the CPU, for tests", Err: err}}
	}})
}

// openEmu takes "check" (every access is checked), "ptx" (the committed PTX runs and not the sources), "sample" (two of
// its blocks do, on a device as large as an H200), "portable" (a device of sm_80) and a seed, in any order: emu, emu:7,
// emu:check,7, emu:ptx,portable.
func openEmu(arg string) (kernels.Backend, error) {
	file, e := "libemu.so", emulator{major: 9}
	for part := range strings.SplitSeq(arg, ",") {
		n, err := strconv.ParseUint(part, 10, 64)
		switch {
		case part == "check":
			file = "libemu-check.so"
		case part == "ptx":
			e.interprets = true
		case part == "sample":
			e.interprets, e.sample, e.asked = true, 2, map[string]kernels.Asked{}
		case part == "portable":
			e.major = 8
		case err == nil:
			e.seed = n
		case part != "":
			return nil, fmt.Errorf("%w; emu is emu, or emu: and a seed, check, ptx, sample, portable, or several with commas",
				kernels.ErrNoBackend)
		}
	}
	if e.interprets && file != "libemu.so" {
		return nil, fmt.Errorf("%w; emu:check is of the sources, emu:ptx of the PTX: one of them", kernels.ErrNoBackend)
	}
	path, err := emuLibrary(file)
	if err != nil {
		return nil, err
	}
	d, err := openEmuLibrary("emu:"+arg, path, &e)
	if err == nil && e.sample > 0 {
		return sampler{d}, nil
	}
	return d, err
}

func openEmuLibrary(name, path string, e *emulator) (*Device, error) {
	lib, err := emu.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w: run 'make emu'", kernels.ErrNoDriver, err)
	}
	lib.Seed(e.seed)
	e.lib, e.names = lib, make([]emuFunction, 1)
	return open(strings.TrimSuffix(name, ":"), e)
}

// emuLibrary is where 'make emu' puts a library: TRUEGRAIN_EMU names the folder, or it is bin/emu beside
// go.mod.
func emuLibrary(file string) (string, error) {
	if dir := os.Getenv("TRUEGRAIN_EMU"); dir != "" {
		return filepath.Join(dir, file), nil
	}
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return filepath.Join(dir, "bin", "emu", file), nil
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return "", fmt.Errorf("%w: no go.mod above the working directory; set TRUEGRAIN_EMU to the folder of %s",
		kernels.ErrNoDriver, file)
}

// emulator is the driver over the emulator. Streams are queues that run when somebody waits for them, so that
// host memory which is changed too early, or read without waiting, shows.
type emulator struct {
	lib        *emu.Library
	interprets bool // the PTX, instead of running the library's kernels
	seed       uint64
	major      int // compute capability
	sample     int // blocks of each launch that run, 0: all

	mu      sync.Mutex
	asked   map[string]kernels.Asked // of a sample, by kernel
	modules []emuModule              // a handle is an index and 1
	names   []emuFunction            // a handle is an index
	streams []*emuStream
	events  []*emuEvent
	graphs  [][]func() error
}

type emuStream struct {
	queue     []func() error
	err       error
	capturing bool
	captured  []func() error
}

// emuEvent is what was recorded last; who waits for it waits for that, whatever is recorded later.
type emuEvent struct{ last *emuRecord }

type emuRecord struct {
	on   *emuStream
	done bool
	at   time.Time
}

const emuQueue = 256 // a longer queue runs by itself

func (e *emulator) Info() kernels.Hardware {
	h := kernels.Hardware{Name: "emulator", Major: e.major, SMs: 4, ClockMHz: 1, Memory: 8 << 30, Driver: 12040}
	if e.sample > 0 {
		h.SMs = 132
	}
	return h
}

func (e *emulator) Close() error { return nil }

func (e *emulator) Alloc(bytes int) (addr, error) {
	if bytes > 8<<30 {
		return 0, kernels.ErrOutOfMemory
	}
	if a := e.lib.Alloc(bytes); a != 0 {
		return a, nil
	}
	return 0, kernels.ErrOutOfMemory
}

func (e *emulator) Free(a addr) error {
	e.lib.Free(a)
	return nil
}

func (e *emulator) AllocHost(bytes int) (unsafe.Pointer, error) {
	return unsafe.Pointer(unsafe.SliceData(make([]float64, (bytes+7)/8))), nil
}

func (e *emulator) FreeHost(unsafe.Pointer) error { return nil }

func (e *emulator) Memory() (free, total int, err error) { return 8 << 30, 8 << 30, nil }

func (e *emulator) Load(_ string, ptx []byte) (moduleHandle, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := emuModule{text: string(ptx)}
	if e.interprets {
		var err error
		if m.parsed, err = interp.Parse(m.text); err != nil {
			return 0, &kernels.DeviceError{Op: "load", Code: "PTX", Log: err.Error()}
		}
	}
	e.modules = append(e.modules, m)
	return moduleHandle(len(e.modules)), nil
}

func (e *emulator) Function(m moduleHandle, entry string, shared int) (functionHandle, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lib.Params(entry) == "" {
		return 0, &kernels.DeviceError{Op: entry, Code: "not in the emulator's library: run 'make emu'"}
	}
	f := emuFunction{entry: entry, threads: boundsOf(e.modules[m-1].text, entry), shared: max(shared, 48<<10)}
	if e.interprets {
		var err error
		if f.ptx, err = e.modules[m-1].parsed.Kernel(entry); err != nil {
			return 0, &kernels.DeviceError{Op: entry, Code: "PTX", Log: err.Error()}
		}
	}
	e.names = append(e.names, f)
	return functionHandle(len(e.names) - 1), nil
}

func (e *emulator) Launch(l *launch, s stream) error {
	f := e.names[l.function]
	if err := f.allows(l); err != nil {
		return err
	}
	if e.interprets {
		return e.enqueue(s, func() error { return f.interpret(l, e) })
	}
	k := emu.Launch{Entry: f.entry, Grid: l.grid, Block: l.block, Shared: l.shared, Args: l.args, At: l.at}
	for _, o := range l.operands {
		k.Operands = append(k.Operands, emu.Range{Addr: o.Addr(), Bytes: uintptr(o.Bytes())})
	}
	return e.enqueue(s, func() error {
		if err := e.lib.Launch(k); err != nil {
			return &kernels.DeviceError{Op: k.Entry, Code: "emulator", Log: err.Error()}
		}
		return nil
	})
}

func (e *emulator) CopyIn(to addr, from unsafe.Pointer, bytes int, s stream) error {
	return e.enqueue(s, func() error {
		e.lib.CopyIn(to, from, bytes)
		return nil
	})
}

func (e *emulator) CopyOut(to unsafe.Pointer, from addr, bytes int, s stream) error {
	return e.enqueue(s, func() error {
		e.lib.CopyOut(to, from, bytes)
		return nil
	})
}

func (e *emulator) Copy(to, from addr, bytes int, s stream) error {
	return e.enqueue(s, func() error {
		e.lib.Copy(to, from, bytes)
		return nil
	})
}

func (e *emulator) Set(to addr, v uint32, size, n int, s stream) error {
	return e.enqueue(s, func() error {
		e.lib.Set(to, v, size, n)
		return nil
	})
}

func (e *emulator) Forget(a addr, bytes int, s stream) {
	_ = e.enqueue(s, func() error { // fails only where the stream has failed already
		e.lib.Poison(a, bytes)
		return nil
	})
}

func (e *emulator) NewStream() (stream, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.streams = append(e.streams, &emuStream{})
	return stream(len(e.streams)), nil
}

func (e *emulator) FreeStream(s stream) error { return e.Wait(s) }

func (e *emulator) enqueue(s stream, f func() error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := e.streams[s-1]
	if q.capturing {
		q.captured = append(q.captured, f)
		return nil
	}
	q.queue = append(q.queue, f)
	if len(q.queue) > emuQueue {
		q.run(len(q.queue))
	}
	return nil
}

// run runs the first n of the queue and keeps the first error; after one, nothing runs until it is reported.
func (q *emuStream) run(n int) {
	for range min(n, len(q.queue)) {
		f := q.queue[0]
		q.queue = q.queue[1:]
		if q.err == nil {
			q.err = f()
		}
	}
}

func (e *emulator) Wait(s stream) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := e.streams[s-1]
	q.run(len(q.queue))
	err := q.err
	q.err = nil
	return err
}

func (e *emulator) NewEvent() (event, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, &emuEvent{})
	return event(len(e.events)), nil
}

func (e *emulator) FreeEvent(event) error { return nil }

func (e *emulator) Record(v event, s stream) error {
	e.mu.Lock()
	r := &emuRecord{on: e.streams[s-1]}
	e.events[v-1].last = r
	e.mu.Unlock()
	return e.enqueue(s, func() error {
		r.done, r.at = true, time.Now()
		return nil
	})
}

func (e *emulator) WaitEvent(v event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.events[v-1].last.wait()
}

// wait runs the queue up to the record; of an event that was never recorded there is none.
func (r *emuRecord) wait() error {
	if r == nil {
		return nil
	}
	for !r.done && r.on.err == nil && len(r.on.queue) > 0 {
		r.on.run(1)
	}
	return r.on.err
}

func (e *emulator) After(s stream, v event) error {
	e.mu.Lock()
	r := e.events[v-1].last
	e.mu.Unlock()
	return e.enqueue(s, r.wait)
}

func (e *emulator) Elapsed(from, to event) (float32, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return float32(e.events[to-1].last.at.Sub(e.events[from-1].last.at).Seconds() * 1e3), nil
}

func (e *emulator) BeginCapture(s stream) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := e.streams[s-1]
	if q.capturing {
		return errors.New("the stream is being captured already")
	}
	q.run(len(q.queue))
	q.capturing, q.captured = true, nil
	return q.err
}

func (e *emulator) EndCapture(s stream) (graph, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := e.streams[s-1]
	q.capturing = false
	e.graphs = append(e.graphs, q.captured)
	return graph(len(e.graphs)), nil
}

func (e *emulator) Replay(g graph, s stream) error {
	for _, f := range e.graphs[g-1] {
		if err := e.enqueue(s, f); err != nil {
			return err
		}
	}
	return nil
}

func (e *emulator) FreeGraph(g graph) error {
	e.graphs[g-1] = nil
	return nil
}
