package gpu

import (
	"context"
	"errors"
	"fmt"

	"truegrain/bench/measure"
	"truegrain/bench/report"
	"truegrain/bench/workload"
	"truegrain/kernels"
	"truegrain/tensor"
)

// models are the steps of "models": each model at its batch size, in all of its ways.
func (b *bench) models() (tasks []task) {
	for _, m := range b.plan.Models {
		tasks = append(tasks, task{m.Name(), func(ctx context.Context) (rows []report.Row, _ []Ratio, err error) {
			for _, impl := range m.Impls {
				row, err := b.model(ctx, m.Spec, impl)
				if err != nil {
					return rows, nil, err
				}
				rows = append(rows, row)
			}
			return rows, nil, nil
		}})
	}
	return tasks
}

// openModel makes a model ready in one of its ways, pictures and results in the device's memory.
func (b *bench) openModel(s workload.Spec, impl string) (*workload.Workload, error) {
	be := kernels.Backend(b.be)
	s.Resident, s.Impl = true, impl
	if s.Train {
		s.Impl = workload.Tape
	}
	if impl == Mixed {
		m, ok := be.(kernels.Mixed)
		if !ok {
			return nil, fmt.Errorf("%s does not train in mixed precision", be.Name())
		}
		if be, ok = m.Mixed(); !ok {
			return nil, fmt.Errorf("%s does not train in mixed precision", be.Name())
		}
	}
	var w *workload.Workload
	var err error
	bad := tensor.Catch(func() { w, err = workload.Open(be, s) })
	return w, errors.Join(err, bad)
}

// runs is the time of one run, the mean of n, and whether their result is a number.
func (b *bench) runs(w *workload.Workload, n int) (seconds float64, err error) {
	var failed error
	bad := tensor.Catch(func() {
		took, e := b.be.Time(func() {
			for range n {
				if failed = w.Run(); failed != nil {
					return
				}
			}
		})
		seconds, err = took.Seconds()/float64(n), e
	})
	if err = errors.Join(bad, failed, err); err != nil {
		return 0, err
	}
	if err := w.Settle(); err != nil {
		return 0, err
	}
	return seconds, w.Finite()
}

// ready runs a model until it is warm, and says how many runs fill a turn.
func (b *bench) ready(w *workload.Workload) (n int, err error) {
	for range 2 { // the first run loads kernels, the second records them
		if _, err = b.runs(w, 1); err != nil {
			return 0, err
		}
	}
	took, err := b.runs(w, 1)
	if err != nil {
		return 0, err
	}
	return max(1, int(b.plan.Seconds/max(took, 1e-6))), nil
}

// model times one model. What can't be timed is a row that says why.
func (b *bench) model(ctx context.Context, s workload.Spec, impl string) (row report.Row, err error) {
	row = report.Row{Name: s.Name(), Impl: impl, Images: s.Batch}
	w, err := b.openModel(s, impl)
	if err == nil {
		defer w.Close()
		err = b.timeModel(ctx, w, &row)
	}
	if err != nil {
		return skipped(ctx, row, err)
	}
	return row, nil
}

func (b *bench) timeModel(ctx context.Context, w *workload.Workload, row *report.Row) error {
	n, err := b.ready(w)
	if err != nil {
		return err
	}
	var times measure.Samples
	for range b.plan.Rounds {
		t, err := b.runs(w, max(1, n/b.plan.Rounds))
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		times = append(times, t)
	}
	row.Time, row.FLOPs = times.Stat(), w.FLOPs()
	row.OfPeak = 1e9 * row.GFLOPs() / peakOf(b.be.Hardware(), row.Impl != Float32 && row.Impl != "exact")
	return nil
}
