package recipes

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"truegrain/train"
	"truegrain/train/optim"
)

// The words that keys take.
var (
	layouts   = []string{"genimage", "masks"}
	protocols = []string{"raw", "unbiased"}
	auxes     = []string{"skip", "load", "train"}
	freezes   = []string{"none", "trunk"}
	shapes    = []string{"constant", "step", "cosine"}
	// precisions are that of everything, and that of products' operands.
	precisions = []string{"float32", "bf16"}
)

// checker gathers what is wrong.
type checker struct {
	at  func(key, text string) error
	all []error
}

func (c *checker) fail(key, format string, args ...any) {
	c.all = append(c.all, c.at(key, key+fmt.Sprintf(format, args...)))
}

func (c *checker) word(key, v string, allowed []string) {
	if !slices.Contains(allowed, v) {
		c.fail(key, " is %q: want %s", v, strings.Join(allowed, ", "))
	}
}

// within says that v must lie in [lo,hi].
func (c *checker) within(key string, v, lo, hi float64) {
	if !(v >= lo && v <= hi) {
		c.fail(key, " is %v: want %v to %v", v, lo, hi)
	}
}

// Check says what is wrong with the values of a recipe.
func (r *Recipe) Check() error {
	return r.check(func(_, text string) error { return &Error{"recipe " + r.Name, 0, text} })
}

func (r *Recipe) check(at func(key, text string) error) error {
	c := &checker{at: at}
	r.checkModel(c)
	r.checkData(c)
	r.checkOptimizer(c)
	r.checkSchedule(c)
	c.within("accumulate", float64(r.Accumulate), 1, 1<<16)
	c.word("precision", r.Precision, precisions)
	c.within("clip", r.Clip, 0, math.MaxFloat64)
	c.within("ema", r.EMA, 0, 0.999999)
	c.within("patience", float64(r.Patience), 0, 1<<20)
	c.within("checkpoint.last", float64(r.Checkpoint.Last), 1, 1000)
	c.within("checkpoint.minutes", r.Checkpoint.Minutes, 0, 1e6)
	c.within("checkpoint.batches", float64(r.Checkpoint.Batches), 0, 1<<30)
	c.within("log_every", float64(r.LogEvery), 1, 1<<20)
	return errors.Join(c.all...)
}

func (r *Recipe) checkModel(c *checker) {
	if r.Model.Name == "" {
		c.fail("model.name", " is empty: 'truegrain inspect' lists the architectures")
	}
	c.within("model.classes", float64(r.Model.Classes), 1, 2)
	c.word("model.aux", r.Model.Aux, auxes)
	c.word("model.freeze", r.Model.Freeze, freezes)
	c.word("loss.name", r.Loss.Name, train.LossNames)
	c.within("loss.smoothing", r.Loss.Smoothing, 0, 0.9)
	c.within("loss.aux", r.Loss.Aux, 0, 10)
	switch {
	case r.Loss.Name == "cross-entropy" && r.Model.Classes != 2:
		c.fail("loss.name", " is cross-entropy: it needs model.classes 2, not %d", r.Model.Classes)
	case slices.Contains([]string{"bce", "pixel-bce", "pixel-mse"}, r.Loss.Name) && r.Model.Classes != 1:
		c.fail("loss.name", " is %s: it needs model.classes 1, not %d", r.Loss.Name, r.Model.Classes)
	}
}

func (r *Recipe) checkData(c *checker) {
	d := r.Data
	c.word("data.layout", d.Layout, layouts)
	c.within("data.validation", d.Validation, 0, 0.9)
	c.within("data.limit", float64(d.Limit), 0, 1<<40)
	c.within("data.batch", float64(d.Batch), 1, 4096)
	if d.Size != 0 {
		c.within("data.size", float64(d.Size), 8, 1024)
	}
	c.within("data.unreadable", d.Unreadable, 0, 1)
	for i := range 3 {
		c.within("data.mean", float64(d.Mean[i]), -10, 10)
		c.within("data.std", float64(d.Std[i]), 1e-6, 1e6)
	}
	c.within("augment.flip_h", r.Augment.FlipH, 0, 1)
	c.within("augment.flip_v", r.Augment.FlipV, 0, 1)
	c.word("data.protocol", d.Protocol, protocols)
	o := r.Augment.options()
	if err := o.Check(); err != nil {
		c.fail("augment.", "%v", err)
	}
}

func (r *Recipe) checkOptimizer(c *checker) {
	o := r.Optimizer
	c.word("optimizer.name", o.Name, optim.Names)
	c.within("optimizer.momentum", o.Momentum, 0, 0.99999)
	c.within("optimizer.weight_decay", o.WeightDecay, 0, 1e6)
	c.within("optimizer.beta1", o.Beta1, 0, 0.999999)
	c.within("optimizer.beta2", o.Beta2, 0, 0.999999999)
	c.within("optimizer.eps", o.Eps, 1e-30, 1)
	c.within("optimizer.layer_decay", o.LayerDecay, 1e-6, 1)
	if o.Momentum != 0 && o.Name != "sgd" {
		c.fail("optimizer.momentum", " is %v: only sgd has one; %s has beta1", o.Momentum, o.Name)
	}
	for i, g := range o.Groups {
		key := fmt.Sprintf("optimizer.groups[%d]", i)
		if err := optim.CheckPattern(g.Match); err != nil {
			c.fail(key+".match", ": %v", err)
		}
		c.within(key+".lr", g.LR, 1e-12, 1e6)
		if g.WeightDecay != nil {
			c.within(key+".weight_decay", *g.WeightDecay, 0, 1e6)
		}
	}
}

func (r *Recipe) checkSchedule(c *checker) {
	if len(r.Schedule) == 0 {
		c.fail("schedule", ": want at least one phase with epochs and lr")
	}
	for i, p := range r.Schedule {
		key := fmt.Sprintf("schedule[%d]", i)
		c.within(key+".epochs", float64(p.Epochs), 1, 100_000)
		c.within(key+".lr", p.LR, 1e-12, 1e6)
		c.word(key+".shape", p.Shape, shapes)
		c.within(key+".warmup", float64(p.Warmup), 0, 1<<30)
		c.within(key+".floor", p.Floor, 0, 1)
		if p.Shape == "step" {
			c.within(key+".every", float64(p.Every), 1, 100_000)
			c.within(key+".factor", p.Factor, 1e-12, 1)
		}
	}
}
