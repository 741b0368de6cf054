package gpu

import (
	"context"
	"errors"
	"fmt"

	"truegrain/bench/kernel"
	"truegrain/bench/report"
	"truegrain/bench/table"
	"truegrain/kernels"
)

// checks are the steps of "check": each op and direction, in both types, on all of its shapes.
func (b *bench) checks() (tasks []task, err error) {
	for _, group := range groups(b.plan.Check) {
		tasks = append(tasks, task{group[0].Op + "/" + group[0].Pass,
			func(ctx context.Context) (rows []report.Row, _ []Ratio, err error) {
				host, err := kernels.Open("cpu") // whose results the backward passes begin with
				if err != nil {
					return nil, nil, err
				}
				defer host.Close() //nolint:errcheck // nothing depends on it
				for _, r := range group {
					for _, half := range []bool{false, true} {
						if ctx.Err() != nil {
							return nil, nil, context.Cause(ctx)
						}
						row, err := b.check(host, r, half)
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

// groups are the rows by op and direction, in their order.
func groups(rows []table.Row) (out [][]table.Row) {
	at := map[string]int{}
	for _, r := range rows {
		key := r.Op + "/" + r.Pass
		if _, ok := at[key]; !ok {
			at[key] = len(out)
			out = append(out, nil)
		}
		out[at[key]] = append(out[at[key]], r)
	}
	return out
}

// typeOf is the type of a row's activations.
func typeOf(half bool) string {
	if half {
		return kernels.BF16.String()
	}
	return kernels.F32.String()
}

// check holds one shape to the oracle. A result that differs, and a shape that the device refuses, is a row
// that says so; a device that is lost ends the part.
func (b *bench) check(host kernels.Backend, r table.Row, half bool) (row report.Row, err error) {
	p, err := kernel.New(r.Op, r.Pass, r.Shape)
	if err != nil {
		return row, err
	}
	load := p.Load
	if half {
		load = p.LoadHalf
	}
	x, err := load(host)
	if err != nil {
		return row, err
	}
	defer x.Close()
	row = report.Row{Name: p.Name(), Impl: typeOf(half), FLOPs: x.Cost.FLOPs, Bytes: x.Cost.Bytes}
	call, err := x.Prepare(kernel.On(b.be))
	if err == nil {
		defer call.Close()
		row.Error, err = x.Check(call)
	}
	if errors.Is(err, kernels.ErrDeviceLost) {
		return row, fmt.Errorf("%s: %w", row.Name, err)
	}
	if err != nil {
		row.Skipped = err.Error()
	}
	return row, nil
}

// differing lists the rows of the check that are not as the oracle has them, or could not be computed.
func (r *Result) differing() (rows []report.Row) {
	for _, s := range r.of("check") {
		for _, row := range s.Rows {
			if row.Skipped != "" {
				rows = append(rows, row)
			}
		}
	}
	return rows
}
