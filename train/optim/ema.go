package optim

import (
	"fmt"

	"truegrain/autograd"
	"truegrain/kernels"
)

// EMA keeps an exponential moving average of a model's weights and buffers (Polyak & Juditsky 1992):
//
//	e ← e + (1 − d)·(w − e),  d = min(Decay, (1 + n)/(10 + n)) at update n
//
// The average starts as the weights are and moves quickly at first.
type EMA struct {
	decay   float64
	params  []*autograd.Param
	shadow  []*autograd.Param
	count   *autograd.Param // updates, as one element, for State
	updates int
}

// NewEMA allocates the average and sets it to the weights as they are.
func NewEMA(params []*autograd.Param, decay float64) (*EMA, error) {
	e := &EMA{decay: decay, params: params}
	for _, p := range params {
		s, err := autograd.NewParam(p.Backend(), p.Name+".ema", p.Layout, p.Value.Shape()...)
		if err != nil {
			return nil, fmt.Errorf("averaged weights of %s: %w", p.Name, err)
		}
		p.Backend().Copy(s.Value.Buf, p.Value.Buf)
		s.Buffer = true
		e.shadow = append(e.shadow, s)
	}
	if len(params) == 0 {
		return e, nil
	}
	var err error
	if e.count, err = autograd.NewParam(params[0].Backend(), "ema.updates", autograd.Plain, 1); err != nil {
		return nil, fmt.Errorf("averaged weights: %w", err)
	}
	return e, nil
}

// Update moves the average towards the weights. It is one pass of the SGD kernel: with the rate −(1−d) and
// the weight decay −1, p ← p − lr·(g + decay·p) is e + (1−d)·(w − e).
func (e *EMA) Update() {
	e.updates++
	n := float64(e.updates)
	d := min(e.decay, (1+n)/(10+n))
	for i, p := range e.params {
		s := e.shadow[i]
		s.Backend().SGD(kernels.SGD{N: s.Value.Len(), LR: d - 1, WeightDecay: -1, P: s.Value.Buf,
			G: p.Value.Buf})
	}
}

// Swap exchanges weights and average, for a validation; a second call puts them back.
func (e *EMA) Swap() {
	for i, p := range e.params {
		p.Value, e.shadow[i].Value = e.shadow[i].Value, p.Value
	}
}

// Params is the average under the weights' own names, to be saved as a model.
func (e *EMA) Params() []*autograd.Param {
	out := make([]*autograd.Param, len(e.params))
	for i, s := range e.shadow {
		p := *s
		p.Name, p.Buffer = e.params[i].Name, e.params[i].Buffer
		out[i] = &p
	}
	return out
}

// State is what a resumed run needs, as that of an Optimizer.
func (e *EMA) State() []*autograd.Param {
	if e.count == nil {
		return nil
	}
	e.count.Backend().Fill(e.count.Value.Buf, float64(e.updates))
	return append(e.shadow[:len(e.shadow):len(e.shadow)], e.count)
}

// Resume takes over the count that was loaded into State.
func (e *EMA) Resume() {
	if e.count != nil {
		e.updates = int(e.count.Value.Float64s(e.count.Backend())[0])
	}
}
