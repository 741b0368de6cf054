package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"time"

	"truegrain/bench/kernel"
	"truegrain/bench/measure"
	"truegrain/bench/report"
	"truegrain/bench/workload"
	"truegrain/kernels"
)

// ServeCmd keeps models and kernels ready and runs them when asked, so that another program can time its own
// in turn with ours. It reads a JSON object a line and answers each with one.
type ServeCmd struct {
	Device string `default:"cpu"`
}

// request is one line. Do is "machine", "model", "kernel", "time", "output" or "drop".
type request struct {
	Do, ID string
	// of "model"
	Model, Impl, Weights, Input, Labels string
	Batch                               int
	Train                               bool
	// of "kernel", with Impl
	Op, Pass, Shape string
	// of "time": for how long at least, or how many calls; without the warm-up call if Cold
	Seconds float64
	Calls   int
	Cold    bool
	// of "output"
	File string
}

// answer is what one line is answered with.
type answer struct {
	Error   string            `json:"error,omitempty"`
	Machine *report.Machine   `json:"machine,omitempty"`
	Ceiling []measure.Ceiling `json:"ceilings,omitempty"`
	Ready   float64           `json:"ready,omitempty"`   // seconds until a model was ready to run
	Differs float64           `json:"differs,omitempty"` // relative L2 error of a kernel against ref
	FLOPs   int64             `json:"flops,omitempty"`
	Bytes   int64             `json:"bytes,omitempty"`
	Method  string            `json:"method,omitempty"`
	Times   []float64         `json:"times,omitempty"` // seconds of one call, of each sample
}

// server is what has been made ready so far.
type server struct {
	be    kernels.Backend
	ready map[string]*ready
}

// ready is something that can be run.
type ready struct {
	run   func() error
	out   func() []float32
	close func()
}

// Run serves until the input ends.
func (c *ServeCmd) Run(ctx context.Context, t terminal) error {
	be, err := kernels.Open(c.Device)
	if err != nil {
		return usageError{err}
	}
	defer be.Close()
	s := &server{be, map[string]*ready{}}
	lines := bufio.NewScanner(t.in)
	lines.Buffer(nil, 1<<20)
	answers := json.NewEncoder(t.out)
	for lines.Scan() && ctx.Err() == nil {
		var r request
		a, err := answer{}, json.Unmarshal(lines.Bytes(), &r)
		if err == nil {
			a, err = s.do(r)
		}
		if err != nil {
			a.Error = err.Error()
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
	return errors.Join(lines.Err(), ctx.Err())
}

func (s *server) do(r request) (a answer, err error) {
	switch r.Do {
	case "machine":
		m := report.Here(s.be.Name())
		return answer{Machine: &m, Ceiling: measure.NewProber(s.be,
			largestCopy).Ceilings(coreCounts()...)}, nil
	case "model":
		return s.model(r)
	case "kernel":
		return s.kernel(r)
	}
	k := s.ready[r.ID]
	if k == nil {
		return a, fmt.Errorf("do %q: nothing ready is called %q", r.Do, r.ID)
	}
	switch r.Do {
	case "time":
		a.Times, err = k.time(r)
	case "output":
		err = writeFloats(r.File, k.out())
	case "drop":
		k.close()
		delete(s.ready, r.ID)
		runtime.GC()
	default:
		err = fmt.Errorf("don't know how to do %q", r.Do)
	}
	return a, err
}

func (s *server) model(r request) (answer, error) {
	start := time.Now()
	w, err := workload.Open(s.be, workload.Spec{Model: r.Model, Batch: r.Batch, Train: r.Train, Impl: r.Impl,
		Weights: r.Weights})
	if err != nil {
		return answer{}, err
	}
	took := time.Since(start).Seconds()
	if r.Input != "" {
		if err := readFloats(r.Input, kernels.Floats[float32](w.X.Buf)); err != nil {
			return answer{}, err
		}
	}
	if r.Labels != "" {
		labels := make([]float32, w.Labels())
		if err := readFloats(r.Labels, labels); err != nil {
			return answer{}, err
		}
		w.Label(func(i int) int32 { return int32(labels[i]) })
	}
	s.ready[r.ID] = &ready{run: w.Run, out: func() []float32 { return w.Y }, close: w.Close}
	return answer{Ready: took, FLOPs: w.FLOPs()}, nil
}

func (s *server) kernel(r request) (answer, error) {
	i, err := kernel.OpenImpl(r.Impl)
	if err != nil {
		return answer{}, err
	}
	p, err := kernel.New(r.Op, r.Pass, r.Shape)
	if err != nil {
		return answer{}, err
	}
	b, err := p.Load(s.be)
	if err != nil {
		return answer{}, err
	}
	call, err := b.Prepare(i)
	if err != nil {
		return answer{}, err
	}
	a := answer{FLOPs: b.Cost.FLOPs, Bytes: b.Cost.Bytes, Method: call.Method}
	if a.Differs, err = b.Check(call); err != nil {
		return a, err
	}
	s.ready[r.ID] = &ready{run: func() error { call.Run(); return nil }, out: func() []float32 { return nil },
		close: func() {
			call.Close()
			b.Close()
			i.Close() //nolint:errcheck // nothing depends on it
		}}
	return a, nil
}

// time runs behind one warm-up call. What is shorter than a millisecond is timed in runs of that length.
func (k *ready) time(r request) (times []float64, err error) {
	const least = time.Millisecond
	n := 1
	if !r.Cold {
		start := time.Now()
		if err := k.run(); err != nil {
			return nil, err
		}
		n = int(max(1, least/max(time.Since(start), 1)))
	}
	begin := time.Now()
	for len(times) < max(r.Calls, 1) || r.Calls == 0 && time.Since(begin).Seconds() < r.Seconds {
		start := time.Now()
		for range n {
			if err := k.run(); err != nil {
				return nil, err
			}
		}
		times = append(times, time.Since(start).Seconds()/float64(n))
	}
	return times, nil
}

// readFloats fills v with the little-endian float32 of a file of exactly that size.
func readFloats(path string, v []float32) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if len(data) != 4*len(v) {
		return fmt.Errorf("%s: has %d bytes, want %d float32", path, len(data), len(v))
	}
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return nil
}

func writeFloats(path string, v []float32) error {
	data := make([]byte, 0, 4*len(v))
	for _, x := range v {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return os.WriteFile(path, data, 0o644)
}
