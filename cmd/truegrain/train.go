package main

import (
	"context"
	"fmt"

	"truegrain/train"
	"truegrain/train/optim"
)

// TrainCmd trains a detector on a folder of pictures, keeps its best state, calibrates it and saves it with its card.
type TrainCmd struct {
	Data      string  `arg:"" type:"existingdir" help:"Folder in GenImage layout (…/{train,val}/{ai,nature})."`
	Model     string  `short:"m" default:"resnet18" help:"Architecture: resnet18, resnet50, fcn8s_resnet50, vit_b_16 …; 'truegrain inspect' knows them all."`
	Out       string  `short:"o" default:"runs/detector.safetensors" help:"The checkpoint: weights, calibration and card in one file."`
	Weights   string  `placeholder:"FILE" help:"Weights to start from (.safetensors, .pth); a head of another width starts fresh."`
	Epochs    int     `default:"10" help:"Passes over the training pictures."`
	Batch     int     `default:"32" help:"Pictures a step."`
	Size      int     `help:"Side of the crops in pixels (default: the model's own)."`
	Optimizer string  `enum:"sgd,adam,adamw" default:"adamw" help:"sgd, adam or adamw."`
	LR        float64 `name:"lr" default:"0.001" help:"Learning rate at its highest: a short warm-up, then half a cosine."`
	Momentum  float64 `default:"0.9" help:"Of sgd."`
	Decay     float64 `default:"0.01" help:"Weight decay."`
	Loss      string  `enum:",pixel-bce" default:"" help:"pixel-bce for segmenters (default: as the model's output asks for)."`
	Seed      uint64  `default:"1" help:"The same seed and data give the same bytes."`
	Limit     int     `help:"Take only this many pictures of each part (0: all)."`
	Overfit   int     `placeholder:"N" help:"Learn N pictures by heart: no augmentation, until the loss is below 0.03."`
	Device    string  `default:"cpu" help:"cpu, cpu:avx2, ref …; 'truegrain devices' lists them."`
}

// Run trains.
func (c *TrainCmd) Run(ctx context.Context, t *terminal) error {
	if !(c.Decay >= 0) || !(c.Momentum >= 0 && c.Momentum < 1) {
		return usagef("--decay %v and --momentum %v: want 0 or more, and momentum below 1", c.Decay, c.Momentum)
	}
	l := lesson{arch: c.Model, classes: 1, dir: c.Data, out: c.Out, weights: c.Weights, device: c.Device, epochs: c.Epochs,
		batch: c.Batch, size: c.Size, lr: c.LR, optimizer: c.Optimizer, seed: c.Seed, limit: c.Limit, overfit: c.Overfit,
		opts: optim.Options{WeightDecay: c.Decay}, loss: train.Loss(c.Loss)}
	if c.Optimizer == "sgd" {
		l.opts.Momentum = c.Momentum
	}
	if c.Overfit > 0 {
		l.batch = min(c.Batch, c.Overfit)
		l.epochs = max(c.Epochs, 500)
	}
	if err := l.sane(); err != nil {
		return err
	}
	if err := makeParent(c.Out); err != nil {
		return err
	}
	if _, err := l.run(ctx, t); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%w; the best state so far is in %s", context.Cause(ctx), c.Out)
		}
		return err
	}
	_, err := fmt.Fprintf(t.out, "%s\n", c.Out)
	return err
}
