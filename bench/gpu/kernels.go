package gpu

import (
	"context"
	"errors"
	"fmt"
	"time"

	"truegrain/bench/kernel"
	"truegrain/bench/measure"
	"truegrain/bench/report"
	"truegrain/bench/table"
	"truegrain/kernels"
	"truegrain/tensor"
)

// kernels are the steps of "kernels": each op and direction, in both types, on all of its shapes.
func (b *bench) kernels() (tasks []task, err error) {
	for _, group := range groups(b.plan.Kernels) {
		tasks = append(tasks, task{group[0].Op + "/" + group[0].Pass,
			func(ctx context.Context) (rows []report.Row, _ []Ratio, err error) {
				for _, r := range group {
					for _, half := range []bool{true, false} {
						row, err := b.time(ctx, r, half)
						if err != nil {
							return rows, nil, err
						}
						rows = append(rows, row)
					}
				}
				return rows, nil, nil
			}})
	}
	return tasks, nil
}

// time times one shape, in turn with a copy of as many bytes. What can't be timed is a row that says why.
func (b *bench) time(ctx context.Context, r table.Row, half bool) (row report.Row, err error) {
	p, err := kernel.New(r.Op, r.Pass, r.Shape)
	if err != nil {
		return row, err
	}
	row = report.Row{Name: p.Name(), Impl: typeOf(half), Uses: r.Uses[0].String()}
	x, err := place(p, b.be, half)
	if err != nil {
		return skipped(ctx, row, err)
	}
	defer x.Close()
	row.FLOPs, row.Bytes = x.Cost.FLOPs, x.Cost.Bytes
	times, copies, err := b.turns(ctx, x.On, row.Bytes)
	if err != nil {
		return skipped(ctx, row, err)
	}
	row.Time = times.Stat()
	row.OfCopy = float64(row.Bytes) / row.Time.Median / copies.Stat().Median
	row.OfPeak = 1e9 * row.GFLOPs() / peakOf(b.be.Hardware(), half)
	return row, nil
}

// skipped is the row of what failed on its own; a lost device, and the end of the context, end the part.
func skipped(ctx context.Context, row report.Row, err error) (report.Row, error) {
	if ctx.Err() != nil || errors.Is(err, kernels.ErrDeviceLost) {
		return row, fmt.Errorf("%s: %w", row.Name, err)
	}
	row.Skipped = err.Error()
	return row, nil
}

// place brings a problem into the device's memory.
func place(p *kernel.Problem, be kernels.Backend, half bool) (*kernel.Bench, error) {
	if half {
		return p.LoadHalf(be)
	}
	return p.Load(be)
}

// turns times a call and copies of so many bytes, one after the other. copies are bytes a second, read and
// written.
func (b *bench) turns(ctx context.Context, call func(kernels.Backend) func(), bytes int64) (times,
	copies measure.Samples, err error) {
	bad := tensor.Catch(func() {
		var c *copier
		if c, err = newCopier(b.be, bytes); err != nil {
			return
		}
		defer c.close()
		calls := []func(kernels.Backend) func(){call, c.call}
		var all [2]*series
		for i, f := range calls {
			if all[i], err = b.series(f); err != nil {
				return
			}
			defer all[i].close()
		}
		for range b.plan.Rounds {
			var t [2]float64
			for i := range all {
				if t[i], err = all[i].time(); err != nil {
					return
				}
			}
			times, copies = append(times, t[0]), append(copies, float64(c.bytes())/t[1])
			if err = context.Cause(ctx); err != nil {
				return
			}
		}
	})
	return times, copies, errors.Join(err, bad)
}

// series is a call that is repeated so often that its time is more than the clock's steps: recorded, so that
// the processor does not hold the device up.
type series struct {
	be     kernels.Accelerator
	record kernels.Recording
	n      int
}

// least is the time of one sample.
const least = 2 * time.Millisecond

func (b *bench) series(call func(kernels.Backend) func()) (*series, error) {
	run := call(b.be)
	run() // loads the kernels
	took, err := b.be.Time(run)
	if err != nil {
		return nil, err
	}
	s := &series{be: b.be, n: int(min(200, max(1, least/max(took, 1))))}
	s.record, err = b.be.Record(func(be kernels.Backend) {
		run := call(be)
		for range s.n {
			run()
		}
	})
	return s, err
}

// time is the seconds of one call.
func (s *series) time() (float64, error) {
	var failed error
	took, err := s.be.Time(func() { failed = s.record.Replay() })
	return took.Seconds() / float64(s.n), errors.Join(failed, err)
}

func (s *series) close() {
	s.record.Close() //nolint:errcheck // what went wrong was said by the replay that it went wrong in
}

// copier copies half as many bytes as a kernel touches, which reads and writes all of them.
type copier struct {
	be       kernels.Backend
	dst, src kernels.Buf
}

// mostCopied bounds a copy: beyond that the bandwidth is that of memory, whatever the size.
const mostCopied = 1 << 30

func newCopier(be kernels.Backend, bytes int64) (*copier, error) {
	n := int(max(1, min(bytes, mostCopied)/8))
	c := &copier{be: be}
	var err error
	if c.dst, err = be.Alloc(kernels.F32, n); err == nil {
		c.src, err = be.Alloc(kernels.F32, n)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *copier) call(be kernels.Backend) func() { return func() { be.Copy(c.dst, c.src) } }

func (c *copier) bytes() int { return c.dst.Bytes() + c.src.Bytes() }

func (c *copier) close() {
	c.be.Free(c.dst)
	c.be.Free(c.src)
}

// perClock is how many operations an SM's tensor cores do in a clock with bfloat16 operands, and its other
// cores in float32, by the major compute capability (NVIDIA's tuning guides and whitepapers).
var perClock = map[int][2]float64{8: {2048, 128}, 9: {4096, 256}, 10: {8192, 256}}

// peakOf is what a device could do at its highest clock.
func peakOf(h kernels.Hardware, half bool) float64 {
	per, ok := perClock[h.Major]
	if !ok {
		per = perClock[9]
	}
	rate := per[1]
	if half {
		rate = per[0]
	}
	return rate * float64(h.SMs) * float64(h.ClockMHz) * 1e6
}
