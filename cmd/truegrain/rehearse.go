package main

import (
	"cmp"
	"fmt"
	"text/tabwriter"
	"time"

	"truegrain/kernels"
	"truegrain/train"
)

// useful is the share of a matrix product's speed that a whole step comes to, for the estimate of a
// rehearsal.
const useful = 0.5

// rehearse says what the run would take, and trains nothing.
func (l *learning) rehearse(t *terminal) error {
	p, err := l.plan()
	if err != nil {
		return err
	}
	r := l.recipe
	opt, err := r.NewOptimizer(p.model.Params(), p.model.Stages(), headNames(p.model))
	if err != nil {
		return err
	}
	paper := p.model.Params()[0].Backend()
	if m, ok := paper.(kernels.Mixed); ok && r.Precision == "bf16" {
		paper, _ = m.Mixed()
	}
	loop := &train.Loop{Backend: paper, Model: p.model, Optimizer: opt, Loss: r.LossOf(),
		Recompute: r.Recompute}
	reh, err := train.Rehearse(loop, p.model.Stages(), r.Data.Batch, p.size)
	if err != nil {
		return fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	be, _, err := l.open()
	if err != nil {
		return err
	}
	defer be.Close()
	if err := stages(t, reh); err != nil {
		return err
	}
	return l.demands(t, p, reh, be)
}

// stages prints the shapes on the way through the model.
func stages(t *terminal, reh *train.Rehearsal) error {
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	for _, part := range reh.Parts {
		fmt.Fprintf(w, "%s\t%v\t%.3f GFLOP\n", part.Path, part.Shape, float64(part.FLOPs)/1e9)
	}
	return w.Flush()
}

// demands prints steps, memory and time.
func (l *learning) demands(t *terminal, p *plan, reh *train.Rehearsal, be kernels.Backend) error {
	r := l.recipe
	trainLoader, valLoader, err := l.loaders(p, be)
	if err != nil {
		return err
	}
	batches := trainLoader.Batches()
	updates := (batches + r.Accumulate - 1) / r.Accumulate
	start := cmp.Or(p.weights.path, "random weights")
	speed := matrixSpeed(be)
	passes := 3 // a backward costs two
	if r.Recompute {
		passes++
	}
	perEpoch := float64(reh.FLOPs) * float64(passes*batches+valLoader.Batches())
	estimate := time.Duration(perEpoch * float64(r.Epochs()) / (speed * useful) * float64(time.Second))
	ema := int64(0)
	if r.EMA > 0 {
		ema = reh.Weights
	}
	size := func(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
	_, err = fmt.Fprintf(t.out, `
recipe      %s, from %s
pictures    %d to train on, %d to validate with, %d × %d
steps       %d epochs of %d batches of %d: %d updates
output      %v
learning    %d of %d numbers
memory      %s at least: weights %s, gradients %s, optimiser %s, averaged weights %s,
            values of one batch %s; a checkpoint's copy takes %s more
time        %s, if a step comes to half of the %.0f GFLOP/s of a matrix product on %s (an estimate: nothing was trained)
`, r.Name, start, len(p.train.Items), len(p.val.Items), p.size, p.size, r.Epochs(), batches, r.Data.Batch,
		updates*r.Epochs(), reh.Output, reh.Learning, reh.Weights/4, size(reh.Total()+ema), size(reh.Weights),
		size(reh.Gradients), size(reh.State), size(ema), size(reh.Values), size(reh.Weights+reh.State+ema),
		estimate.Round(time.Second), speed/1e9, be.Name())
	return err
}

// matrixSpeed is how many operations a second a matrix product of 768³ does.
func matrixSpeed(be kernels.Backend) float64 {
	const n = 768
	var buf [3]kernels.Buf
	for i := range buf {
		b, err := be.Alloc(be.DType(), n*n)
		if err != nil {
			return 1e9
		}
		buf[i] = b
	}
	op := kernels.Gemm{M: n, N: n, K: n, LDA: n, LDB: n, LDC: n, A: buf[0], B: buf[1], C: buf[2]}
	be.Gemm(op) // the first one warms up
	if a, ok := be.(kernels.Accelerator); ok {
		const runs = 3
		took, err := a.Time(func() {
			for range runs {
				be.Gemm(op)
			}
		})
		if err != nil {
			return 1e9
		}
		return 2 * n * n * n * runs / took.Seconds()
	}
	start, runs := time.Now(), 0
	for time.Since(start) < 200*time.Millisecond {
		be.Gemm(op)
		runs++
	}
	return 2 * n * n * n * float64(runs) / time.Since(start).Seconds()
}
