package main

import (
	"encoding/json"
	"io"
	"math/bits"
	"runtime"
	"time"

	"truegrain/bench/measure"
	"truegrain/bench/report"
	"truegrain/kernels"
)

// Output is the flags of what is written, the same for kernels and models.
type Output struct {
	JSON     bool          `help:"Write the report as JSON to standard output, and the table to standard error."`
	Compare  string        `placeholder:"OLD.json" type:"existingfile" help:"Print the ratio to an older report, with its noise."`
	Roofline string        `placeholder:"FILE.png" help:"Draw the ops under the measured roof."`
	Time     time.Duration `default:"100ms" help:"How long to time each kernel and implementation; a model takes twenty times that."`
	Cores    int           `help:"Use so many cores (default: all)."`
}

// session is one run of the benchmarks: the machine's ceilings, and the rows so far.
type session struct {
	Output
	report report.Report
	table  *report.Table
	old    *report.Report
	prober *measure.Prober
	t      terminal
}

// largestCopy is the largest copy that is timed, in bytes; 0 is far beyond any cache.
var largestCopy int64

// start measures the ceilings and writes the head of the table.
func (o Output) start(t terminal, kind string, be kernels.Backend, several bool) (*session, error) {
	s := &session{Output: o, t: t, prober: measure.NewProber(be, largestCopy)}
	if o.Compare != "" {
		var err error
		if s.old, err = report.Read(o.Compare); err != nil {
			return nil, usageError{err}
		}
	}
	s.report = report.Report{Kind: kind, Machine: report.Here(be.Name()), Date: time.Now().Round(time.Second)}
	s.report.Before = s.prober.Ceilings(coreCounts()...)
	s.report.Header(s.text())
	s.table = report.NewTable(s.text(), kind, several, s.old)
	return s, nil
}

// limitCores applies --cores; it comes before a backend is opened.
func (o Output) limitCores() error {
	if o.Cores < 0 || o.Cores > runtime.NumCPU() {
		return usagef("--cores is %d, want 1 to %d", o.Cores, runtime.NumCPU())
	}
	if o.Cores > 0 {
		runtime.GOMAXPROCS(o.Cores)
	}
	return nil
}

// coreCounts are the powers of two up to the cores that are used, and those.
func coreCounts() (n []int) {
	all := runtime.GOMAXPROCS(0)
	for i := range bits.Len(uint(all)) {
		n = append(n, 1<<i)
	}
	if n[len(n)-1] != all {
		n = append(n, all)
	}
	return n
}

// text is where the table goes.
func (s *session) text() io.Writer {
	if s.JSON {
		return s.t.err
	}
	return s.t.out
}

func (s *session) add(r report.Row) {
	s.report.Rows = append(s.report.Rows, r)
	s.table.Row(r)
}

// finish measures the ceilings again and writes what was asked for. points are what the roofline shows.
func (s *session) finish(points []report.Point) error {
	s.report.After = s.prober.Ceilings(runtime.GOMAXPROCS(0))
	io.WriteString(s.text(), s.report.Drift()+"\n") //nolint:errcheck // as with the table
	if s.old != nil {
		io.WriteString(s.text(), report.Summary(s.old, &s.report)) //nolint:errcheck
	}
	if s.Roofline != "" {
		title := s.report.Machine.CPU + ", " + s.report.Date.Format("2006-01-02")
		if err := report.Roofline(s.Roofline, title, s.report.Ceiling(), points); err != nil {
			return err
		}
		s.t.say("roofline: %s", s.Roofline)
	}
	if s.JSON {
		e := json.NewEncoder(s.t.out)
		e.SetIndent("", " ")
		return e.Encode(s.report)
	}
	return nil
}

// ceilingParts are what is timed in turn with a row of so many bytes: a burst of multiply-adds and a copy of
// as many bytes. The rates are those of the same rounds.
func (s *session) ceilingParts(bytes int64) (parts []func(), rates func() (flops, copied float64)) {
	const burst = time.Millisecond
	cores := runtime.GOMAXPROCS(0)
	var flops, copied measure.Samples
	parts = []func(){
		func() { flops = append(flops, s.prober.FLOPs(cores, burst)) },
		func() { copied = append(copied, s.prober.Copy(cores, bytes, burst)) },
	}
	return parts, func() (float64, float64) { return flops.Stat().Median, copied.Stat().Median }
}
