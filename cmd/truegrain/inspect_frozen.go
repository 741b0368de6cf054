package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"truegrain/kernels"
	"truegrain/models"
	"truegrain/tensor"
)

// frozen prints the layers of the model as it is frozen, timed on a picture of zeros.
func (c *InspectCmd) frozen(ctx context.Context, t *terminal, m models.Model, size int) error {
	how := kernels.Fast
	switch {
	case c.Exact:
		how = kernels.Exact
	case c.BF16:
		how = kernels.BFloat16
	}
	var f *models.Frozen
	var err error
	if bad := tensor.Catch(func() {
		f, err = models.Freeze(m, c.Batch, size, size, models.WithPacking(how), models.Consume())
	}); bad != nil {
		err = bad
	}
	if err != nil {
		return fmt.Errorf("inspect %s at %d × %d: %w", c.Model, size, size, err)
	}
	defer f.Close()
	x := tensor.FromSlice(make([]float32, c.Batch*size*size*3), c.Batch, size, size, 3)
	y := tensor.FromSlice(make([]float32, f.OutputShape().Len()), f.OutputShape()...)
	if err := f.RunInto(ctx, y, x); err != nil { // memory is touched for the first time
		return err
	}
	took := make([]time.Duration, len(f.Layers()))
	see := func(layer int, _ time.Time, d time.Duration) { took[layer] += d }
	if err := f.Profile(ctx, y, x, see); err != nil {
		return err
	}
	return printLayers(t, f, took)
}

// packings says what a packing means for the result.
var packings = map[kernels.Packing]string{
	kernels.Exact:    "exact: as the model computes",
	kernels.Fast:     "fast: Winograd's convolutions where they pay, output within 1e-5; --exact does without",
	kernels.BFloat16: "bfloat16: operands of 8 bits of precision, sums in float32",
}

// printLayers prints the table and its sums: a layer that takes the batch in parts counts as one.
func printLayers(t *terminal, f *models.Frozen, took []time.Duration) error {
	fmt.Fprintf(t.out, "%s\nweights %.1f MB, buffers %.1f MB a run\n\n", packings[f.Packing()],
		float64(f.WeightBytes())/1e6, float64(f.Bytes())/1e6)
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "LAYER\tOP\tMETHOD\tOUTPUT\tAT ONCE\tMFLOP\tMB\tms\tGFLOP/s\t")
	var sum kernels.Cost
	var all time.Duration
	for i, l := range f.Layers() {
		c := l.Op.Cost()
		c = kernels.Cost{FLOPs: c.FLOPs * int64(l.Runs), Bytes: c.Bytes * int64(l.Runs)}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", l.Path, l.Op.Stem(), l.Method(), dims(l.Shape), l.Images,
			rates(c, took[i]))
		sum, all = sum.Plus(c), all+took[i]
	}
	fmt.Fprintf(w, "total\t\t\t\t\t%s\n", rates(sum, all))
	return w.Flush()
}

// rates are the last columns of a row: work, time, and the one by the other.
func rates(c kernels.Cost, took time.Duration) string {
	seconds := max(took.Seconds(), 1e-9)
	return fmt.Sprintf("%.2f\t%.2f\t%.3f\t%.1f\t", float64(c.FLOPs)/1e6, float64(c.Bytes)/1e6, seconds*1e3,
		float64(c.FLOPs)/1e9/seconds)
}
