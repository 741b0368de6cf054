package explain

import (
	"context"
	"errors"

	"truegrain/kernels"
)

// Gradient is ∂ log odds of the target/∂ x itself, (B,H,W,3) in the order of the input (Simonyan et al.
// 2014), with every ReLU on the way back obeying rule: kernels.Gradient for the true gradient, kernels.Guided
// for guided backpropagation (Springenberg et al. 2015), kernels.Deconvnet. A rule on a model without ReLU is
// autograd.ErrNoReLU.
func (s Subject) Gradient(ctx context.Context, target Target, rule kernels.ReLURule) (
	grad []float32, err error) {
	err = s.Pass(ctx, Want{InputBack: true}, func(p *Pass) (err error) {
		grad, err = p.Gradient(target, rule)
		return err
	})
	return grad, err
}

// Gradient is Subject.Gradient in this pass.
func (p *Pass) Gradient(target Target, rule kernels.ReLURule) ([]float32, error) {
	if err := p.back(direction{target, rule}); err != nil {
		return nil, err
	}
	g := p.x.Gradient()
	if g.IsZero() {
		return nil, errors.New("explain: no gradient reaches the picture")
	}
	return g.Float32s(p.subject.Backend), nil
}

// Saliency is the gradient's largest magnitude over the colour channels: where a small change of a pixel
// moves the answer most.
func (s Subject) Saliency(ctx context.Context, target Target, rule kernels.ReLURule) (*Map, error) {
	return s.one(ctx, Want{InputBack: true}, func(p *Pass) (*Map, error) { return p.Saliency(target, rule) })
}

// Saliency is Subject.Saliency in this pass.
func (p *Pass) Saliency(target Target, rule kernels.ReLURule) (*Map, error) {
	grad, err := p.Gradient(target, rule)
	if err != nil {
		return nil, err
	}
	x := p.subject.X
	m := &Map{B: x.Dim(0), H: x.Dim(1), W: x.Dim(2), Values: make([]float32, len(grad)/x.Dim(3))}
	c := x.Dim(3)
	for i := range m.Values {
		for _, g := range grad[i*c : (i+1)*c] {
			m.Values[i] = max(m.Values[i], g, -g)
		}
	}
	return m, nil
}

// Guided multiplies a fine map by a coarse one that is resized to it (guided Grad-CAM, Selvaraju et al. 2017:
// the guided backpropagation's saliency times the Grad-CAM).
func Guided(fine, coarse *Map) *Map {
	m := &Map{B: fine.B, H: fine.H, W: fine.W, Values: make([]float32, len(fine.Values))}
	for b := range m.B {
		up := Resize(coarse.At(b), coarse.H, coarse.W, m.H, m.W)
		for i, v := range fine.At(b) {
			m.At(b)[i] = v * up[i]
		}
	}
	return m
}
