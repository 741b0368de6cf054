package recipes

import (
	"fmt"

	"github.com/goccy/go-yaml"

	"truegrain/autograd"
	"truegrain/train"
	"truegrain/train/data"
	"truegrain/train/optim"
)

// Settings are the recipe's values by key, "schedule[0].lr", without its name and description.
func (r *Recipe) Settings() (map[string]string, error) {
	src, err := r.Marshal()
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := yaml.Unmarshal(src, &tree); err != nil {
		return nil, err
	}
	delete(tree, "name")
	delete(tree, "about")
	out := map[string]string{}
	flatten("", tree, out)
	return out, nil
}

func flatten(path string, v any, out map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			flatten(join(path, k), x, out)
		}
	case []any:
		if len(v) == 0 {
			out[path] = "[]"
		}
		for i, x := range v {
			flatten(fmt.Sprintf("%s[%d]", path, i), x, out)
		}
	default:
		out[path] = fmt.Sprint(v)
	}
}

// LossOf is the loss as the loop takes it.
func (r *Recipe) LossOf() train.Loss {
	l := train.Loss{Name: r.Loss.Name, Smoothing: r.Loss.Smoothing}
	if r.Model.Aux == "train" {
		l.Aux = r.Loss.Aux
	}
	return l
}

// RateOf is the schedule for epochs of so many updates.
func (r *Recipe) RateOf(updates int) optim.Schedule {
	var phases []optim.Phase
	for _, p := range r.Schedule {
		n := p.Epochs * updates
		warmup := min(p.Warmup, n/10)
		s := optim.Constant(p.LR)
		switch p.Shape {
		case "step":
			s = optim.Steps(p.LR, p.Every*updates, p.Factor)
		case "cosine":
			s = optim.Cosine(p.LR, p.Floor, n-warmup)
		}
		phases = append(phases, optim.Phase{Updates: n, Schedule: optim.Warmup(warmup, s)})
	}
	return optim.Phases(phases...)
}

// NewOptimizer freezes what is to be frozen and makes the optimiser over the rest. stages are the names of
// the model's stages from the input on, head those of its last layer's parameters.
func (r *Recipe) NewOptimizer(params []*autograd.Param, stages, head []string) (optim.Optimizer, error) {
	o := r.Optimizer
	if r.Model.Freeze == "trunk" {
		for _, p := range params {
			p.Frozen = true
		}
		for _, p := range params {
			for _, h := range head {
				p.Frozen = p.Frozen && p.Name != h
			}
		}
	}
	groups := optim.Groups{WeightDecay: o.WeightDecay, DecayVectors: o.DecayVectors, LayerDecay: o.LayerDecay,
		Stages: stages}
	for _, g := range o.Groups {
		groups.Groups = append(groups.Groups, optim.Group(g))
	}
	rules, err := groups.Rules(params)
	if err != nil {
		return nil, fmt.Errorf("recipe %s: optimizer.groups: %w", r.Name, err)
	}
	return optim.New(o.Name, params, optim.Options{Momentum: o.Momentum, Beta1: o.Beta1, Beta2: o.Beta2,
		Eps: o.Eps, Rules: rules})
}

// LoaderOf is how training pictures become batches; size is the model's own for recipes without one.
func (r *Recipe) LoaderOf(size int) data.LoaderOptions {
	if r.Data.Size != 0 {
		size = r.Data.Size
	}
	return data.LoaderOptions{Batch: r.Data.Batch, Size: size, Mean: r.Data.Mean, Std: r.Data.Std,
		Seed: r.Seed, Shuffle: true, Augment: r.Augment.options()}
}

func (a *Augment) options() data.Augment {
	return data.Augment{Crop: a.Crop, FlipH: a.FlipH, FlipV: a.FlipV, Resize: data.Random(a.Resize),
		Blur: data.Random(a.Blur), Noise: data.Random(a.Noise), JPEG: data.Random(a.JPEG),
		WebP: data.Random(a.WebP)}
}
