// Package optim moves parameters along their gradients: SGD, Adam and AdamW, each one fused kernel per
// parameter, and the schedules of their learning rate.
package optim

import (
	"fmt"

	"truegrain/autograd"
	"truegrain/kernels"
)

// Optimizer updates parameters from their gradients. A parameter that no gradient has reached is left alone.
type Optimizer interface {
	Step(lr float64)
	// State is what a resumed run needs besides the model: moments and step counts, named after their
	// parameters. It is saved like parameters (nn/state); loaded into the State of a fresh optimiser and
	// taken by Resume, training goes on bit for bit.
	State() []*autograd.Param
	Resume()
}

// Options sets an optimiser. The zero value of a field takes PyTorch's default.
type Options struct {
	Momentum    float64 // of SGD
	WeightDecay float64
	Beta1       float64 // of Adam, 0.9
	Beta2       float64 // of Adam, 0.999
	Eps         float64 // of Adam, 1e-8
	// Rules are how parameters are treated, by name (Groups.Rules). A parameter without one learns at the
	// whole rate and decays by WeightDecay, except that vectors (norms, biases) do not under AdamW.
	Rules map[string]Rule
}

// rule is how a parameter is treated.
func (o Options) rule(p *autograd.Param, decoupled bool) Rule {
	if r, ok := o.Rules[p.Name]; ok {
		return r
	}
	if decoupled && p.Value.Rank() < 2 {
		return Rule{LR: 1}
	}
	return Rule{LR: 1, WeightDecay: o.WeightDecay}
}

// Names lists what New can make.
var Names = []string{"sgd", "adam", "adamw"}

// New makes an optimiser over a model's parameters, without its buffers and its frozen ones. State is
// allocated at once, on the parameters' backend.
func New(name string, params []*autograd.Param, o Options) (Optimizer, error) {
	var train []*autograd.Param
	for _, p := range params {
		if !p.Buffer && !p.Frozen {
			train = append(train, p)
		}
	}
	switch name {
	case "sgd":
		return newSGD(train, o)
	case "adam", "adamw":
		return newAdam(train, o, name == "adamw")
	}
	return nil, fmt.Errorf("optimiser %q: want one of %v", name, Names)
}

// SGD is stochastic gradient descent with momentum and weight decay (kernels.SGD has the formula).
type SGD struct {
	o Options
	slots
}

func newSGD(params []*autograd.Param, o Options) (*SGD, error) {
	var moments []string
	if o.Momentum != 0 {
		moments = []string{"momentum"}
	}
	s, err := newSlots(params, moments, func(p *autograd.Param) Rule { return o.rule(p, false) })
	return &SGD{o, s}, err
}

// Step updates every parameter that has a gradient.
func (s *SGD) Step(lr float64) {
	for _, k := range s.slots {
		g := k.p.Grad()
		if g.IsZero() {
			continue
		}
		k.p.Backend().SGD(kernels.SGD{N: g.Len(), LR: lr * k.rule.LR, Momentum: s.o.Momentum,
			WeightDecay: k.rule.WeightDecay, First: k.stepped == 0, P: k.p.Value.Buf, G: g.Buf,
			V: k.moment(0)})
		k.stepped++
	}
}

// Adam is Adam, or AdamW if decoupled (kernels.Adam has the formula).
type Adam struct {
	o         Options
	decoupled bool
	slots
}

func newAdam(params []*autograd.Param, o Options, decoupled bool) (*Adam, error) {
	or := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	or(&o.Beta1, 0.9)
	or(&o.Beta2, 0.999)
	or(&o.Eps, 1e-8)
	s, err := newSlots(params, []string{"exp_avg", "exp_avg_sq"},
		func(p *autograd.Param) Rule { return o.rule(p, decoupled) })
	return &Adam{o, decoupled, s}, err
}

// Step updates every parameter that has a gradient.
func (a *Adam) Step(lr float64) {
	for _, k := range a.slots {
		g := k.p.Grad()
		if g.IsZero() {
			continue
		}
		k.stepped++
		k.p.Backend().Adam(kernels.Adam{N: g.Len(), LR: lr * k.rule.LR, Beta1: a.o.Beta1, Beta2: a.o.Beta2,
			Eps: a.o.Eps, WeightDecay: k.rule.WeightDecay, Decoupled: a.decoupled, Step: k.stepped,
			P: k.p.Value.Buf, G: g.Buf, M: k.moment(0), V: k.moment(1)})
	}
}
