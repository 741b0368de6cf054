package optim

import (
	"fmt"

	"truegrain/autograd"
	"truegrain/kernels"
)

// slot is a parameter with its moments.
type slot struct {
	p       *autograd.Param
	rule    Rule
	moments []*autograd.Param
	count   *autograd.Param // stepped as one element, for State; exact to 2²⁴ in float32
	stepped int             // updates so far
}

type slots []*slot

// newSlots allocates the moments, called like their parameter with these suffixes ("fc.weight.exp_avg").
func newSlots(params []*autograd.Param, moments []string, rule func(*autograd.Param) Rule) (slots, error) {
	var out slots
	for _, p := range params {
		s := &slot{p: p, rule: rule(p)}
		for _, suffix := range moments {
			m, err := autograd.NewParam(p.Backend(), p.Name+"."+suffix, p.Layout, p.Value.Shape()...)
			if err != nil {
				return nil, fmt.Errorf("optimiser state of %s: %w", p.Name, err)
			}
			m.Buffer = true
			s.moments = append(s.moments, m)
		}
		count, err := autograd.NewParam(p.Backend(), p.Name+".step", autograd.Plain, 1)
		if err != nil {
			return nil, fmt.Errorf("optimiser state of %s: %w", p.Name, err)
		}
		count.Buffer = true
		s.count = count
		out = append(out, s)
	}
	return out, nil
}

// moment is the memory of moment i, or none if the optimiser has no such moment.
func (s *slot) moment(i int) kernels.Buf {
	if i >= len(s.moments) {
		return kernels.Buf{}
	}
	return s.moments[i].Value.Buf
}

// State lists the moments, which go on changing with every Step, and the step counts as of now.
func (s slots) State() (state []*autograd.Param) {
	for _, k := range s {
		k.count.Backend().Fill(k.count.Value.Buf, float64(k.stepped))
		state = append(append(state, k.moments...), k.count)
	}
	return state
}

// Resume takes over the step counts that were loaded into State.
func (s slots) Resume() {
	for _, k := range s {
		k.stepped = int(k.count.Value.Float64s(k.count.Backend())[0])
	}
}
