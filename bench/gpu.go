package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"truegrain/bench/gpu"
	"truegrain/kernels"
)

// GPUCmd checks and times an accelerator in parts that may be interrupted.
type GPUCmd struct {
	Part   string        `arg:"" enum:"check,kernels,models,peers,predict,accesses" help:"check: every kernel against ref. kernels, models: times. peers: in turn with PyTorch. predict: what models would take, counted with --device dry. accesses: what kernels ask of the memory, counted with --device emu:sample."`
	Device string        `default:"cuda:0" help:"cuda:0, cuda:1 …"`
	Out    string        `default:"bench/results" type:"path" help:"Folder of the results, one .json and one .md for each GPU."`
	Limit  time.Duration `default:"8m30s" help:"Begin nothing that would end later; the same command then goes on."`
	Most   time.Duration `help:"End where one step takes longer, as one whose kernels hang does; the same command then goes on behind it."`
	Again  bool          `help:"Also what this program has done before."`
	Only   string        `placeholder:"TEXT" help:"Only steps with this in their name, as 'conv2d/dx' or 'resnet50'."`
	Python string        `default:"python3" help:"An interpreter that has torch and torchvision, for peers."`
	Script string        `default:"bench/gpu/peers.py" help:"PyTorch's side of peers."`
}

// Run does a part, as far as the time goes.
func (c *GPUCmd) Run(ctx context.Context, t terminal) error {
	be, err := kernels.Open(c.Device)
	if err != nil {
		return usageError{err}
	}
	if err = c.run(ctx, t, be); !errors.Is(err, gpu.ErrHangs) {
		be.Close() //nolint:errcheck // what went wrong was said by what was computed
	}
	return err
}

func (c *GPUCmd) run(ctx context.Context, t terminal, be kernels.Backend) error {
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return err
	}
	plan, err := gpu.Whole(c.Python, c.Script)
	if err != nil {
		return err
	}
	switch c.Part {
	case "predict":
		return gpu.Predict(be, plan, t.out)
	case "accesses":
		return gpu.Accesses(be, plan, c.Only, t.out)
	}
	err = gpu.Run(ctx, be, gpu.Options{Part: c.Part, Dir: c.Out, Limit: c.Limit, Most: c.Most, Again: c.Again,
		Only: c.Only, Plan: plan, Say: t.out})
	switch {
	case errors.Is(err, gpu.ErrUnfinished):
		_, err = fmt.Fprintln(t.out, err)
	case errors.Is(err, gpu.ErrDiffers):
		err = fmt.Errorf("%w: the report lists them", err)
	}
	return err
}
