package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/models/bundled"
	"truegrain/nn/state"
	"truegrain/tensor"
)

// InspectCmd prints a model op by op, as one forward pass ran it: there is no second description of a model.
type InspectCmd struct {
	Model  string `arg:"" help:"An architecture (resnet50, fcn_resnet50, vit_l_16 …), a bundled detector, or a checkpoint."`
	Device string `default:"cpu" help:"cpu, cuda:0, ref …; 'truegrain devices' lists them."`
	Batch  int    `default:"1" help:"Pictures in the forward pass."`
	Size   int    `help:"Side of the square input in pixels (default: the model's own)."`
	Graph  string `placeholder:"FILE" help:"Write the graph in DOT format as well."`
	Frozen bool   `help:"Print the model as it serves: folded, fused, packed, with each layer's method."`
	Exact  bool   `help:"With --frozen: compute as the model does, without Winograd's convolutions."`
	BF16   bool   `name:"bf16" help:"With --frozen: round operands to bfloat16 where that is faster."`
}

// Run traces one forward pass over zeros and prints its nodes.
func (c *InspectCmd) Run(ctx context.Context, t *terminal) error {
	if err := c.sensible(); err != nil {
		return err
	}
	be, err := kernels.Open(c.Device)
	if err != nil {
		return usageError{err}
	}
	defer be.Close()
	m, err := c.model(be)
	if err != nil {
		return err
	}
	size := c.Size
	if size == 0 {
		size = m.InputSize()
	}
	if c.Frozen {
		return c.frozen(ctx, t, m, size)
	}
	tape := autograd.NewTape(be, autograd.WithContext(ctx))
	defer tape.Reset()
	if err := tensor.Catch(func() { m.Forward(tape, tape.Zeros(c.Batch, size, size, 3)) }); err != nil {
		return fmt.Errorf("inspect %s at %d × %d: %w", c.Model, size, size, err)
	}
	if err := tape.Err(); err != nil {
		return err
	}
	if c.Graph != "" {
		if err := writeGraph(c.Graph, tape.Nodes()); err != nil {
			return err
		}
		t.say("graph: %s", c.Graph)
	}
	return printNodes(t, tape.Nodes(), m)
}

// sensible says which flags make no sense.
func (c *InspectCmd) sensible() error {
	switch {
	case c.Batch < 1 || c.Batch > 1024:
		return usagef("--batch is %d, want 1 to 1024", c.Batch)
	case c.Size < 0 || c.Size > 4096:
		return usagef("--size is %d, want 1 to 4096", c.Size)
	case c.Frozen && c.Graph != "" || (c.Exact || c.BF16) && !c.Frozen || c.Exact && c.BF16:
		return usagef("--graph goes without --frozen, and one of --exact and --bf16 with it")
	}
	return nil
}

func (c *InspectCmd) model(be kernels.Backend) (models.Model, error) {
	if slices.Contains(models.List(), c.Model) {
		m, err := models.New(be, c.Model, models.Config{Classes: 1, Size: c.Size})
		if err != nil && c.Size != 0 {
			return nil, usageError{err}
		}
		return m, err
	}
	if _, err := os.Stat(c.Model); err != nil && !slices.Contains(bundled.Names(), c.Model) {
		return nil, usagef("inspect %s: no architecture (%s), bundled detector (%s) or file is called that",
			c.Model, strings.Join(models.List(), ", "), strings.Join(bundled.Names(), ", "))
	}
	d, err := loadDetectors(be, []string{c.Model})
	if err != nil {
		return nil, err
	}
	return d[0].Model, nil
}

func writeGraph(path string, nodes []*autograd.Node) error {
	return state.Atomic(path, func(w io.Writer) error { return autograd.WriteDOT(w, nodes) })
}

// printNodes prints the table and its sums. A parameter counts where it is first used.
func printNodes(t *terminal, nodes []*autograd.Node, m models.Model) error {
	owner := map[uintptr]*autograd.Param{}
	for _, p := range m.Params() {
		owner[p.Value.Buf.Addr()] = p
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "LAYER\tOP\tOUTPUT\tPARAMETERS\tMFLOP\tMB\tms\tGFLOP/s\t")
	var sum kernels.Cost
	var took time.Duration
	params := 0
	for _, n := range nodes {
		if n.Op == nil {
			continue
		}
		own := 0
		for _, in := range n.In {
			if p := owner[in.Buf.Addr()]; p != nil && !p.Buffer {
				own += p.Value.Len()
				delete(owner, in.Buf.Addr())
			}
		}
		c := n.Cost()
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", n.Path, n.Name, dims(n.Out.Shape()), own, rates(c, n.Time))
		sum, took, params = sum.Plus(c), took+n.Time, params+own
	}
	fmt.Fprintf(w, "total\t\t\t%d\t%s\n", params, rates(sum, took))
	return w.Flush()
}

func dims(s tensor.Shape) string {
	parts := make([]string, len(s))
	for i, d := range s {
		parts[i] = fmt.Sprint(d)
	}
	return strings.Join(parts, "×")
}
