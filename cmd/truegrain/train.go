package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"truegrain/train"
	"truegrain/train/recipes"
)

// TrainCmd trains a detector by a recipe, keeps its best state, calibrates it and saves it with its card.
// Flags that a recipe has a key for change that key.
type TrainCmd struct {
	Folder string   `arg:"" optional:"" help:"Folder of pictures in GenImage's layout (…/{train,val}/{ai,nature}), index.csv, or folder of shards."`
	Data   string   `placeholder:"DIR" help:"The folder of pictures, as a flag."`
	Recipe string   `short:"r" placeholder:"NAME|FILE" help:"An embedded recipe (--list) or a .yaml file (default: basic)."`
	Set    []string `sep:"none" placeholder:"KEY=VALUE" help:"Change a value of the recipe: data.batch=8, schedule.0.lr=0.01; can be repeated."`
	List   bool     `help:"List the recipes and stop."`
	Print  bool     `help:"Print the recipe, every key written out, and stop."`

	Out         string `short:"o" placeholder:"DIR|FILE" help:"Folder of the run (default: runs/RECIPE); or FILE.safetensors for the detector, the run beside it in FILE."`
	Weights     string `placeholder:"FILE|DIR" help:"Weights to start from (.safetensors, .pth), or the folder that has the recipe's."`
	FromScratch bool   `help:"Start from random weights, whatever the recipe names."`
	storeFlag
	Device string `default:"cpu" help:"cpu, cpu:exact (no Winograd in gradients), cuda:0, ref …; 'truegrain devices' lists them."`

	Resume  string        `type:"existingdir" placeholder:"RUN" help:"Go on with the run of this folder, bit for bit."`
	Restart bool          `help:"Begin again in a folder that holds a run, which is removed."`
	Budget  time.Duration `placeholder:"2h" help:"Be done after so long: training stops in time to calibrate and test the best weights so far; --resume goes on."`
	Overfit int           `placeholder:"N" help:"Learn N pictures by heart: no augmentation, until the loss is below 0.03."`
	DryRun  bool          `help:"Say what the run would take (shapes, memory, steps, time) and stop."`
	FindLR  bool          `name:"find-lr" help:"Try rates from low to high on some batches, suggest one, and stop."`

	Model     string   `short:"m" placeholder:"NAME" help:"Architecture: resnet18, fcn8s_resnet50, vit_b_16 …; 'truegrain inspect' knows them all."`
	Epochs    *int     `help:"Passes over the training pictures."`
	Batch     *int     `help:"Pictures a batch."`
	Size      *int     `help:"Side of the crops in pixels (0: the model's own)."`
	Optimizer string   `enum:",sgd,adam,adamw" default:"" placeholder:"NAME" help:"sgd, adam or adamw."`
	LR        *float64 `name:"lr" help:"Learning rate at its highest."`
	Momentum  *float64 `help:"Of sgd."`
	Decay     *float64 `help:"Weight decay."`
	Loss      string   `enum:",auto,bce,cross-entropy,pixel-mse,pixel-bce" default:"" placeholder:"NAME" help:"auto, bce, cross-entropy, pixel-mse or pixel-bce."`
	Seed      *uint64  `help:"The same seed and data give the same bytes."`
	Limit     *int     `help:"Take only this many pictures of each part (0: all)."`
}

// Run trains, or does one of the things that stop before.
func (c *TrainCmd) Run(ctx context.Context, t *terminal) error {
	if c.List {
		return listRecipes(t)
	}
	l, err := c.learning()
	if err != nil {
		return err
	}
	switch {
	case c.Print:
		src, err := l.recipe.Marshal()
		if err == nil {
			_, err = t.out.Write(src)
		}
		return err
	case l.dir == "":
		return usagef("no pictures: name the folder, 'truegrain train FOLDER' or --data FOLDER")
	case c.DryRun:
		return l.rehearse(t)
	case c.FindLR:
		return l.findRate(ctx, t)
	}
	_, err = l.run(ctx, t)
	if errors.Is(err, train.ErrBudget) {
		t.say("%v; 'truegrain train --resume %s' goes on", err, l.folder)
		return nil
	}
	if err != nil {
		if ctx.Err() != nil && !errors.Is(err, errNothingSaved) {
			return fmt.Errorf("%w; 'truegrain train --resume %s' goes on, the best weights so far are in %s",
				context.Cause(ctx), l.folder, filepath.Join(l.folder, "best.safetensors"))
		}
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s\n", l.detector)
	return err
}

func listRecipes(t *terminal) error {
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	for _, name := range recipes.Names() {
		r, err := recipes.Open(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%s, %d epochs\t%s\n", name, r.Model.Name, r.Epochs(), r.About)
	}
	return w.Flush()
}

// learning is the run that the flags ask for.
func (c *TrainCmd) learning() (*learning, error) {
	if c.Resume != "" {
		return c.resumed()
	}
	if c.Folder != "" && c.Data != "" {
		return nil, usagef("two folders of pictures: %s and --data %s", c.Folder, c.Data)
	}
	r, err := c.recipe()
	if err != nil {
		return nil, err
	}
	l := &learning{recipe: r, dir: c.Folder + c.Data, weights: c.Weights, scratch: c.FromScratch,
		store: c.storeFlag, device: c.Device, budget: c.Budget, overfit: c.Overfit, restart: c.Restart}
	if c.Weights != "" && c.FromScratch {
		return nil, usagef("--weights names weights to start from, and --from-scratch asks for random ones")
	}
	if c.Overfit < 0 || c.Budget < 0 {
		return nil, usagef("--overfit and --budget must not be negative")
	}
	if c.Overfit > 0 {
		l.byHeart(c.Epochs == nil)
	}
	l.folder, l.detector = places(c.Out, r.Name)
	return l, nil
}

// places are the folder of a run and the file of its detector.
func places(out, recipe string) (folder, detector string) {
	switch {
	case out == "" && recipe == recipes.Basic:
		out = filepath.Join("runs", "detector.safetensors")
	case out == "":
		out = filepath.Join("runs", recipe)
	}
	if ext := filepath.Ext(out); ext == ".safetensors" {
		return strings.TrimSuffix(out, ext), out
	}
	return out, filepath.Join(out, "detector.safetensors")
}

// resumed is what is left of a run that was begun before.
func (c *TrainCmd) resumed() (*learning, error) {
	if c.Recipe != "" || len(c.Set) > 0 || c.Folder+c.Data != "" || c.Overfit != 0 || c.Out != "" ||
		c.Weights != "" || c.Restart {
		return nil, usagef("--resume goes on with a run as it was begun: " +
			"only --budget and --device can be given with it")
	}
	for _, f := range c.shortcuts() {
		return nil, usagef("--resume goes on with a run as it was begun: --%s can't be given with it", f.flag)
	}
	l, err := resumedLearning(c.Resume)
	if err != nil {
		return nil, err
	}
	l.device, l.budget = c.Device, c.Budget
	return l, nil
}

// recipe is the recipe with all changes made to it.
func (c *TrainCmd) recipe() (*recipes.Recipe, error) {
	name := c.Recipe
	if name == "" {
		name = recipes.Basic
	}
	r, err := recipes.Open(name)
	if err != nil {
		return nil, usageError{err}
	}
	for _, f := range c.shortcuts() {
		if strings.HasPrefix(f.key, "schedule.") && len(r.Schedule) > 1 {
			return nil, usagef("--%s: recipe %s has %d phases: use --set schedule.0.%s=…", f.flag, r.Name,
				len(r.Schedule), f.flag)
		}
		if err := r.Set(fmt.Sprintf("%s=%v", f.key, f.value)); err != nil {
			return nil, usagef("--%s %v: %v", f.flag, f.value, err)
		}
	}
	for _, s := range c.Set {
		if err := r.Set(s); err != nil {
			return nil, usageError{err}
		}
	}
	return r, nil
}

// shortcut is a flag for a key of the recipe.
type shortcut struct {
	flag, key string
	value     any
}

// shortcuts are the flags that were given, in an order in which each makes sense after those before it.
func (c *TrainCmd) shortcuts() (out []shortcut) {
	text := func(flag, key, v string) {
		if v != "" {
			out = append(out, shortcut{flag, key, v})
		}
	}
	text("model", "model.name", c.Model)
	text("loss", "loss.name", c.Loss)
	text("optimizer", "optimizer.name", c.Optimizer)
	if c.Optimizer == "sgd" && c.Momentum == nil {
		out = append(out, shortcut{"momentum", "optimizer.momentum", 0.9})
	}
	out = number(out, "momentum", "optimizer.momentum", c.Momentum)
	out = number(out, "decay", "optimizer.weight_decay", c.Decay)
	out = number(out, "epochs", "schedule.0.epochs", c.Epochs)
	out = number(out, "lr", "schedule.0.lr", c.LR)
	out = number(out, "batch", "data.batch", c.Batch)
	out = number(out, "size", "data.size", c.Size)
	out = number(out, "seed", "seed", c.Seed)
	return number(out, "limit", "data.limit", c.Limit)
}

func number[T any](out []shortcut, flag, key string, v *T) []shortcut {
	if v != nil {
		out = append(out, shortcut{flag, key, *v})
	}
	return out
}
