package explain

import (
	"context"
	"fmt"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/tensor"
)

// Pass is one forward pass of a model over its pictures. Any number of maps can be read from it; it is sent
// back once for each target and rule that they ask for, one after the other.
type Pass struct {
	subject Subject
	tape    *autograd.Tape
	x, out  *autograd.Var
	sent    *direction // whose gradients lie on the tape
}

// direction is what a backward pass starts from, and how it goes through ReLUs.
type direction struct {
	target Target
	rule   kernels.ReLURule
}

// Want is what a Pass has to keep for the maps that will be read from it.
type Want struct {
	Taps      []string // the layers that CAM, GradCAM and Attention look at
	TapsBack  bool     // GradCAM needs the gradients of the taps
	InputBack bool     // Gradient and Saliency need that of the pictures
	Repeat    bool     // more than one target or rule will be asked for
}

// Pass runs the model once and hands it to f. Everything is given back when f has returned; our own panics
// become errors.
func (s Subject) Pass(ctx context.Context, want Want, f func(p *Pass) error) error {
	opts := []autograd.Option{autograd.WithContext(ctx), autograd.WithTaps(want.Taps...)}
	if s.Pool != nil {
		opts = append(opts, autograd.WithPool(s.Pool))
	}
	if want.TapsBack {
		opts = append(opts, autograd.WithTapGrads())
	}
	if want.Repeat {
		opts = append(opts, autograd.WithRepeat())
	}
	p := &Pass{subject: s, tape: autograd.NewTape(s.Backend, opts...)}
	defer p.tape.Reset()
	var err error
	bad := tensor.Catch(func() {
		if p.x = p.tape.Const(s.X); want.InputBack {
			p.x = p.tape.Input(s.X)
		}
		p.out = s.Model.Forward(p.tape, p.x)
		err = f(p)
	})
	if bad != nil {
		return fmt.Errorf("explain: %w", bad)
	}
	if err == nil {
		err = p.tape.Err()
	}
	return err
}

// Tape is where the pass was recorded, Output the model's result on it.
func (p *Pass) Tape() *autograd.Tape { return p.tape }

// Output is the model's result.
func (p *Pass) Output() *autograd.Var { return p.out }

// back sends back the log odds of the target, summed over the pictures: their gradients do not mix, since no
// layer looks across a batch outside training. The log odds are the one logit, the difference of two, or the
// mean over the pixels.
func (p *Pass) back(d direction) error {
	if p.sent != nil && *p.sent == d {
		return nil
	}
	dy := make([]float32, p.out.Len())
	switch last := p.out.Dim(-1); {
	case p.out.Rank() == 2 && last == 2:
		for i := range dy {
			dy[i] = d.target.sign() * float32(2*(i%2)-1)
		}
	case last == 1:
		pixels := p.out.Len() / max(1, p.out.Dim(0))
		for i := range dy {
			dy[i] = d.target.sign() / float32(pixels)
		}
	default:
		return fmt.Errorf("explain: the output has shape %v, want (B,1), (B,2) or (B,H,W,1)", p.out.Shape())
	}
	p.tape.SetReLURule(d.rule)
	start := p.tape.Upload(tensor.FromSlice(dy, p.out.Shape()...)).Tensor
	if err := p.tape.BackwardFrom(p.out, start); err != nil {
		return err
	}
	p.sent = &d
	return nil
}

// tapped is the value of a layer that was asked for in Want.
func (p *Pass) tapped(layer string) (*autograd.Var, error) {
	if v := p.tape.Tapped(layer); v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("layer %q: %w", layer, ErrNoTap)
}

// one reads one map from a pass of its own.
func (s Subject) one(ctx context.Context, want Want, read func(p *Pass) (*Map, error)) (m *Map, err error) {
	err = s.Pass(ctx, want, func(p *Pass) (err error) {
		m, err = read(p)
		return err
	})
	return m, err
}
