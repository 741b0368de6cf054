package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"truegrain/bench/kernel"
	"truegrain/bench/measure"
	"truegrain/bench/report"
	"truegrain/bench/table"
)

// KernelsCmd checks and times kernels on the shapes of real layers.
type KernelsCmd struct {
	Op     []string `placeholder:"OP" help:"Ops (conv2d) and directions of ops (conv2d/dx); default all. See --list."`
	Shape  []string `placeholder:"SHAPE" help:"Part of a shape of the table (k3p1), or a whole one of your own (8x56x56x64-64k3p1)."`
	Model  string   `help:"Only what this model has (resnet50, 'vit_l_16 b1', 'resnet50 b8 train', named)."`
	Impl   []string `default:"builtin" help:"Implementations, timed in turn: builtin; with weights packed beforehand: exact, fast, bfloat16; ref; registered ones; or backends (cpu:avx2)."`
	List   bool     `help:"List ops, shapes and the models they are from, and time nothing."`
	Output `embed:""`
}

// Run checks each implementation on each shape, then times them.
func (c *KernelsCmd) Run(ctx context.Context, t terminal) error {
	rows, err := c.rows()
	if err != nil {
		return err
	}
	if c.List {
		return list(t.out, rows)
	}
	if err := c.limitCores(); err != nil {
		return err
	}
	impls, err := openImpls(c.Impl)
	if err != nil {
		return err
	}
	defer closeImpls(impls)
	host, err := kernel.OpenImpl(kernel.Builtin) // whose memory all implementations share
	if err != nil {
		return err
	}
	defer host.Close()
	s, err := c.start(t, "kernels", host.Backend, len(impls) > 1)
	if err != nil {
		return err
	}
	differ, err := c.all(ctx, s, rows, host, impls)
	if err == nil {
		err = s.finish(s.report.Points())
	}
	if err == nil && differ > 0 {
		t.say("bench: %d results differ from ref", differ)
		err = errReported
	}
	return err
}

// all checks and times every row, and says how many results differ from the oracle's.
func (c *KernelsCmd) all(ctx context.Context, s *session, rows []table.Row, host *kernel.Impl,
	impls []*kernel.Impl) (differ int, err error) {
	worst, matched := report.Row{}, 0
	for _, r := range rows {
		out, err := c.row(ctx, s, r, host, impls)
		if err != nil {
			return 0, err
		}
		for _, o := range out {
			switch {
			case o.Skipped == "":
				matched++
				if o.Error > worst.Error || worst.Name == "" {
					worst = o
				}
			case strings.Contains(o.Skipped, kernel.ErrDiffers.Error()):
				differ++
			}
			s.add(o)
		}
	}
	match := "results match"
	if matched == 1 {
		match = "result matches"
	}
	_, err = fmt.Fprintf(s.text(), "%d %s ref; the largest error is %.1e (%s, %s)\n", matched, match,
		worst.Error, worst.Name, worst.Impl)
	return differ, err
}

// rows are those of the table that the flags leave, and shapes of one's own.
func (c *KernelsCmd) rows() ([]table.Row, error) {
	for _, o := range c.Op {
		op, _, _ := strings.Cut(o, "/")
		if !slices.Contains(kernel.Ops(), op) {
			return nil, usagef("--op %s: there are %s", o, strings.Join(kernel.Ops(), ", "))
		}
	}
	all, err := table.All()
	if err != nil {
		return nil, err
	}
	if len(c.Shape) == 0 {
		all = table.Filter(all, c.Op, "", c.Model)
	} else {
		var kept []table.Row
		for _, shape := range c.Shape {
			found := table.Filter(all, c.Op, shape, c.Model)
			if len(found) == 0 {
				if found, err = c.own(shape); err != nil {
					return nil, err
				}
			}
			kept = append(kept, found...)
		}
		all = kept
	}
	if len(all) == 0 {
		return nil, usagef("no row of the table is like that; --list shows them all")
	}
	return all, nil
}

// own is a shape that is not in the table, of each op that was named and is written like that.
func (c *KernelsCmd) own(shape string) (rows []table.Row, err error) {
	if len(c.Op) == 0 {
		return nil, usagef("--shape %s is in no row of the table; with --op it is a shape of your own", shape)
	}
	for _, o := range c.Op {
		op, pass, one := strings.Cut(o, "/")
		passes := []string{pass}
		if !one {
			if passes, err = kernel.Passes(op); err != nil {
				return nil, usageError{err}
			}
		}
		for _, p := range passes {
			_, bad := kernel.New(op, p, shape)
			if bad == nil {
				rows = append(rows, table.Row{Op: op, Pass: p, Shape: shape})
			} else if err == nil {
				err = usageError{bad}
			}
		}
	}
	if len(rows) > 0 {
		err = nil
	}
	return rows, err
}

func list(w io.Writer, rows []table.Row) error {
	for _, r := range rows {
		uses := make([]string, len(r.Uses))
		for i, u := range r.Uses {
			uses[i] = u.String()
		}
		if _, err := fmt.Fprintf(w, "%-26s %-38s %s\n", r.Op+"/"+r.Pass, r.Shape,
			strings.Join(uses, ", ")); err != nil {
			return err
		}
	}
	return nil
}

func openImpls(names []string) (impls []*kernel.Impl, err error) {
	for _, name := range names {
		i, err := kernel.OpenImpl(name)
		if err != nil {
			closeImpls(impls)
			return nil, usageError{err}
		}
		impls = append(impls, i)
	}
	return impls, nil
}

func closeImpls(impls []*kernel.Impl) {
	for _, i := range impls {
		i.Close() //nolint:errcheck // nothing depends on it
	}
}

// row checks all implementations on one shape and times those that match, in turn. An implementation that
// refuses the shape or computes something else is a row with the reason.
func (c *KernelsCmd) row(ctx context.Context, s *session, r table.Row, host *kernel.Impl,
	impls []*kernel.Impl) ([]report.Row, error) {
	p, err := kernel.New(r.Op, r.Pass, r.Shape)
	if err != nil {
		return nil, usageError{err}
	}
	b, err := p.Load(host.Backend)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	rows := make([]report.Row, len(impls))
	var calls []*kernel.Call
	var timed []*report.Row
	for i, impl := range impls {
		rows[i] = report.Row{Name: p.Name(), Impl: impl.Name, Uses: uses(r), FLOPs: b.Cost.FLOPs,
			Bytes: b.Cost.Bytes, Cycles: cycles(impl, b)}
		call, err := b.Prepare(impl)
		if err == nil {
			defer call.Close()
			rows[i].Method = call.Method
			rows[i].Error, err = b.Check(call)
		}
		if err != nil {
			rows[i].Skipped, rows[i].Error = reason(err), 0
			continue
		}
		calls, timed = append(calls, call), append(timed, &rows[i])
	}
	return rows, c.turns(ctx, s, calls, timed)
}

// cycles are what a kernel's instructions take at least, 0 where these are not counted: with other vectors
// than those of AVX-512, and in implementations that have other instructions.
func cycles(impl *kernel.Impl, b *kernel.Bench) float64 {
	if impl.Backend == nil || !strings.HasSuffix(impl.Backend.Name(), ":avx512") {
		return 0
	}
	return b.Cycles
}

// turns times calls in turn, and the ceilings beside them, and fills their rows.
func (c *KernelsCmd) turns(ctx context.Context, s *session, calls []*kernel.Call, rows []*report.Row) error {
	if len(calls) == 0 {
		return ctx.Err()
	}
	parts, rates := s.ceilingParts(rows[0].Bytes)
	first := len(parts)
	for _, call := range calls {
		parts = append(parts, call.Run)
	}
	plan := measure.Plan{Budget: c.Time, Sample: min(c.Time/10, 5*time.Millisecond)}
	samples, err := measure.Interleave(ctx, plan, parts...)
	if err != nil {
		return err
	}
	flops, copied := rates()
	for i, r := range rows {
		r.Time = samples[first+i].Stat()
		r.OfPeak, r.OfCopy = 1e9*r.GFLOPs()/flops, 1e9*r.GBs()/copied
		if r.Cycles > 0 {
			r.OfBound = max(r.OfCopy, r.Cycles/(flops/cycleFLOPs)/r.Time.Median)
		}
	}
	return nil
}

// cycleFLOPs are the operations of a cycle of a core with AVX-512: two multiply-adds of 16 float32.
const cycleFLOPs = 2 * 2 * 16

// reason is why a row was not timed; the row says already which it is.
func reason(err error) string {
	if errors.Is(err, kernel.ErrDiffers) {
		_, what, _ := strings.Cut(err.Error(), ": ")
		return what
	}
	return err.Error()
}

func uses(r table.Row) string {
	all := make([]string, len(r.Uses))
	for i, u := range r.Uses {
		all[i] = u.String()
	}
	return strings.Join(all, ", ")
}
