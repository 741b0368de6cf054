package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"truegrain/bench/measure"
	"truegrain/bench/profile"
	"truegrain/bench/report"
	"truegrain/bench/workload"
	"truegrain/kernels"
)

// ModelsCmd times whole models.
type ModelsCmd struct {
	Model  []string `default:"resnet50,fcn_resnet50,vit_l_16" help:"Architectures; 'truegrain inspect' knows them."`
	Batch  []int    `help:"Batch sizes (default: 1 and the one that the model is compared at)."`
	Train  bool     `help:"Time a training step: forward, backward, optimiser."`
	Impl   []string `help:"Ways to run inference, timed in turn: frozen (fast, the default; exact, without Winograd; bfloat16) or on a tape."`
	Device string   `default:"cpu" help:"Backend: cpu, cpu:avx2 …"`
	Trace  string   `placeholder:"FILE" help:"Write one run of each model as a trace for chrome://tracing."`
	Output `embed:""`

	files string // folder of weights
}

// batches are the larger batch sizes that comparisons with others are made at.
var batches = map[string]int{"resnet50": 8, "fcn_resnet50": 4, "vit_l_16": 4, "vit_b_16": 4}

// Run times each model and each batch; implementations in turn.
func (c *ModelsCmd) Run(ctx context.Context, t terminal) error {
	specs, err := c.specs()
	if err != nil {
		return err
	}
	if err := c.limitCores(); err != nil {
		return err
	}
	be, err := kernels.Open(c.Device)
	if err != nil {
		return usageError{err}
	}
	defer be.Close()
	s, err := c.start(t, "models", be, len(specs[0]) > 1)
	if err != nil {
		return err
	}
	if c.files, err = os.MkdirTemp("", "bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(c.files)
	for _, alike := range specs {
		if err := c.time(ctx, s, be, alike); err != nil {
			return err
		}
	}
	points := s.report.Points()
	if c.Trace != "" || c.Roofline != "" {
		if points, err = c.profiles(t, be, specs); err != nil {
			return err
		}
	}
	return s.finish(points)
}

// specs are the workloads, those that are timed in turn together.
func (c *ModelsCmd) specs() (out [][]workload.Spec, err error) {
	impls := c.Impl
	switch {
	case c.Train:
		impls = []string{workload.Tape}
	case len(impls) == 0:
		impls = workload.Impls[:1]
	}
	for _, model := range c.Model {
		sizes := c.Batch
		if len(sizes) == 0 {
			if sizes = []int{1, max(batches[model], 1)}; c.Train || sizes[1] == 1 {
				sizes = sizes[1:]
			}
		}
		for _, n := range sizes {
			var alike []workload.Spec
			for _, impl := range impls {
				spec := workload.Spec{Model: model, Batch: n, Train: c.Train, Impl: impl}
				if err := spec.Check(); err != nil {
					return nil, usageError{err}
				}
				alike = append(alike, spec)
			}
			out = append(out, alike)
		}
	}
	return out, nil
}

// runOnce is the plan of latencies: each sample is one run, and models get twenty times the time of a kernel.
func (c *ModelsCmd) runOnce() measure.Plan {
	return measure.Plan{Budget: 20 * c.Time, Sample: 1, MinSamples: 5, MaxSamples: 500}
}

// time checks the implementations of one model and batch, times them in turn, and adds their rows.
func (c *ModelsCmd) time(ctx context.Context, s *session, be kernels.Backend, alike []workload.Spec) error {
	want, err := onTape(be, alike[0])
	if err != nil {
		return err
	}
	rows := make([]report.Row, len(alike))
	var failed error
	var runs []func()
	for i, spec := range alike {
		w, err := workload.Open(be, spec)
		if err != nil {
			return err
		}
		defer w.Close()
		rows[i] = report.Row{Name: spec.Name(), Impl: spec.Impl, Images: spec.Batch, FLOPs: w.FLOPs()}
		if rows[i].Error, err = distance(w, want); err != nil {
			return err
		}
		run := func() {
			if err := w.Run(); err != nil {
				failed = err
			}
		}
		rows[i].Allocs, rows[i].AllocBytes = measure.Allocs(3, run)
		runs = append(runs, run)
	}
	if err := c.turns(ctx, s, runs, rows); err != nil || failed != nil {
		return errors.Join(err, failed)
	}
	for i := range rows {
		if rows[i].PeakRSS, err = c.memory(ctx, be, alike[i]); err != nil {
			return err
		}
		s.add(rows[i])
	}
	return nil
}

// turns times runs in turn, and multiply-adds beside them, and fills their rows.
func (c *ModelsCmd) turns(ctx context.Context, s *session, runs []func(), rows []report.Row) error {
	var rates measure.Samples
	peak := func() {
		rates = append(rates, s.prober.FLOPs(s.report.Machine.Cores, 5*time.Millisecond))
	}
	samples, err := measure.Interleave(ctx, c.runOnce(), append(runs, peak)...)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].Time = samples[i].Stat()
		rows[i].OfPeak = 1e9 * rows[i].GFLOPs() / rates.Stat().Median
	}
	return nil
}

// onTape is the logits of the model on a tape, which frozen ones are compared with. A training step has only
// to give a number.
func onTape(be kernels.Backend, s workload.Spec) ([]float32, error) {
	if s.Train {
		return nil, nil
	}
	s.Impl = workload.Tape
	w, err := workload.Open(be, s)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	err = w.Run()
	return w.Y, err
}

// distance is the relative L2 distance of a workload's result from want, if there is one.
func distance(w *workload.Workload, want []float32) (float64, error) {
	if err := w.Run(); err != nil {
		return 0, err
	}
	if err := w.Finite(); err != nil {
		return 0, err
	}
	var d, n float64
	for i, v := range want {
		d += math.Pow(float64(w.Y[i])-float64(v), 2)
		n += float64(v) * float64(v)
	}
	return math.Sqrt(d / max(n, math.SmallestNonzeroFloat64)), nil
}

// profiles runs each first implementation once more with every op noted, for the trace and the roofline.
func (c *ModelsCmd) profiles(t terminal, be kernels.Backend, specs [][]workload.Spec) (
	[]report.Point, error) {
	var points []report.Point
	var tracks []profile.Track
	for _, alike := range specs {
		events, err := workload.Profile(be, alike[0])
		if err != nil {
			return nil, err
		}
		tracks = append(tracks, profile.Track{Name: alike[0].Name(), Events: events})
		for _, e := range events {
			if e.Cost.FLOPs > 0 && e.Cost.Bytes > 0 && e.Took > 0 {
				points = append(points, report.Point{Group: group(e), GFLOPs: e.GFLOPs(),
					Intensity: float64(e.Cost.FLOPs) / float64(e.Cost.Bytes)})
			}
		}
	}
	if c.Trace == "" {
		return points, nil
	}
	f, err := os.Create(c.Trace)
	if err != nil {
		return nil, err
	}
	if err := profile.WriteTrace(f, tracks...); err != nil {
		f.Close()
		return nil, fmt.Errorf("trace %s: %w", c.Trace, err)
	}
	t.say("trace: %s; open it in chrome://tracing or ui.perfetto.dev", c.Trace)
	return points, f.Close()
}

// group is what a roofline shows in one colour: an op, by the way it is computed if that is not the direct
// one.
func group(e profile.Event) string {
	if e.Method == "" || e.Method == "direct" {
		return e.Name()
	}
	return e.Name() + ", " + e.Method
}

// MemoryCmd runs one model in a process of its own, whose memory is then that model's.
type MemoryCmd struct {
	Model, Impl, Weights string
	Batch                int
	Train                bool
	Device               string `default:"cpu"`
}

// memory is what the child process says.
type memory struct {
	PeakRSS int64   `json:"peak_rss"`
	Ready   float64 `json:"ready"` // seconds from the start of opening the weights until the model is ready
}

// Run opens the model, runs it three times, and prints what it took.
func (c *MemoryCmd) Run(t terminal) error {
	be, err := kernels.Open(c.Device)
	if err != nil {
		return usageError{err}
	}
	defer be.Close()
	start := time.Now()
	w, err := workload.Open(be, workload.Spec{Model: c.Model, Batch: c.Batch, Train: c.Train, Impl: c.Impl,
		Weights: c.Weights})
	if err != nil {
		return err
	}
	defer w.Close()
	m := memory{Ready: time.Since(start).Seconds()}
	for range 3 {
		if err := w.Run(); err != nil {
			return err
		}
	}
	m.PeakRSS = measure.PeakRSS()
	return json.NewEncoder(t.out).Encode(m)
}

// memory asks a child process for the memory that a workload takes. Frozen models read their weights from a
// file there, as they are meant to.
func (c *ModelsCmd) memory(ctx context.Context, be kernels.Backend, s workload.Spec) (int64, error) {
	if s.Impl != workload.Tape {
		s.Weights = filepath.Join(c.files, s.Model)
		if _, err := os.Stat(s.Weights); err != nil {
			if err := workload.SaveWeights(be, s, s.Weights); err != nil {
				return 0, err
			}
		}
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	args := []string{"memory", "--weights", s.Weights, "--device", c.Device, "--model", s.Model,
		"--impl", s.Impl, "--batch", strconv.Itoa(s.Batch)}
	if s.Train {
		args = append(args, "--train")
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("memory of %s: %w", s.Name(), err)
	}
	var m memory
	if err := json.Unmarshal(out, &m); err != nil {
		return 0, fmt.Errorf("memory of %s: %w", s.Name(), err)
	}
	return m.PeakRSS, nil
}
