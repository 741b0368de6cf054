package optim

import (
	"fmt"
	"math"
	"path"
	"strings"

	"truegrain/autograd"
)

// Groups treat parameters apart from one another.
type Groups struct {
	WeightDecay  float64
	DecayVectors bool // else norms, biases and other parameters of one axis do not decay
	// LayerDecay gives each stage this share of the rate of the stage above it, the parameters below the
	// first stage less once more, and those above the last stage the whole rate (Bao et al., "BEiT", 2022). 0
	// and 1 are off.
	LayerDecay float64
	Stages     []string // names of the model's stages, from the input on
	Groups     []Group  // the first one that matches counts
}

// Group is the parameters whose names match a pattern.
type Group struct {
	Match       string // with * and ?
	LR          float64
	WeightDecay *float64
	Freeze      bool
}

// Rule is how one parameter is treated.
type Rule struct {
	LR          float64 // times the schedule's rate
	WeightDecay float64
}

// CheckPattern says whether a pattern can be read.
func CheckPattern(pattern string) error {
	if pattern == "" {
		return fmt.Errorf("the pattern is empty: want a parameter's name with * and ?")
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf("pattern %q: %w", pattern, err)
	}
	return nil
}

// Rules freezes what is to be frozen and gives the rule of every parameter by its name. A pattern that
// matches nothing is an error: it was meant for another model.
func (g Groups) Rules(params []*autograd.Param) (map[string]Rule, error) {
	rules, used := map[string]Rule{}, make([]bool, len(g.Groups))
	depth := g.depths(params)
	for i, p := range params {
		r := Rule{LR: 1, WeightDecay: g.WeightDecay}
		if p.Value.Rank() < 2 && !g.DecayVectors {
			r.WeightDecay = 0
		}
		if g.LayerDecay != 0 {
			r.LR = math.Pow(g.LayerDecay, float64(len(g.Stages)+1-depth[i]))
		}
		for j, group := range g.Groups {
			if ok, err := path.Match(group.Match, p.Name); err != nil {
				return nil, CheckPattern(group.Match)
			} else if !ok {
				continue
			}
			used[j] = true
			r.LR *= group.LR
			if group.WeightDecay != nil {
				r.WeightDecay = *group.WeightDecay
			}
			p.Frozen = p.Frozen || group.Freeze
			break
		}
		rules[p.Name] = r
	}
	for j, ok := range used {
		if !ok && len(params) > 0 {
			return nil, fmt.Errorf("group %q matches no parameter; they are called %s … %s",
				g.Groups[j].Match, params[0].Name, params[len(params)-1].Name)
		}
	}
	return rules, nil
}

// depths counts for each parameter the stages that begin at or below it: 0 before the first stage, 1 in it,
// one more than there are stages behind the last.
func (g Groups) depths(params []*autograd.Param) []int {
	in := func(p *autograd.Param) int {
		for i, s := range g.Stages {
			if strings.HasPrefix(p.Name, s+".") {
				return i + 1
			}
		}
		return 0
	}
	out, last := make([]int, len(params)), 0
	for i, p := range params {
		if out[i] = in(p); out[i] > 0 {
			last = i
		}
	}
	for i := range out {
		if out[i] == 0 && i > last {
			out[i] = len(g.Stages) + 1
		}
	}
	return out
}
