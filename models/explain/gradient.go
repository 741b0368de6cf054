package explain

import (
	"context"
	"errors"

	"truegrain/autograd"
	"truegrain/kernels"
)

// Gradient is ∂ log odds of the target/∂ x itself, (B,H,W,3) in the order of the input (Simonyan et al. 2014),
// with every ReLU on the way back obeying rule: kernels.Gradient for the true gradient, kernels.Guided for guided
// backpropagation (Springenberg et al. 2015), kernels.Deconvnet. A rule on a model without ReLU is
// autograd.ErrNoReLU.
func (s Subject) Gradient(ctx context.Context, target Target, rule kernels.ReLURule) ([]float32, error) {
	var grad []float32
	err := s.run(ctx, func(t *autograd.Tape) error {
		x := t.Input(s.X)
		if err := backward(t, s.Model.Forward(t, x), target); err != nil {
			return err
		}
		g := x.Gradient()
		if g.IsZero() {
			return errors.New("explain: no gradient reaches the picture")
		}
		grad = g.Float32s(s.Backend)
		return nil
	}, autograd.WithReLURule(rule))
	return grad, err
}

// Saliency is the gradient's largest magnitude over the colour channels: where a small change of a pixel moves
// the answer most.
func (s Subject) Saliency(ctx context.Context, target Target, rule kernels.ReLURule) (*Map, error) {
	grad, err := s.Gradient(ctx, target, rule)
	if err != nil {
		return nil, err
	}
	m := &Map{B: s.X.Dim(0), H: s.X.Dim(1), W: s.X.Dim(2), Values: make([]float32, len(grad)/s.X.Dim(3))}
	c := s.X.Dim(3)
	for i := range m.Values {
		for _, g := range grad[i*c : (i+1)*c] {
			m.Values[i] = max(m.Values[i], g, -g)
		}
	}
	return m, nil
}

// Guided multiplies a fine map by a coarse one that is resized to it (guided Grad-CAM, Selvaraju et al. 2017: the
// guided backpropagation's saliency times the Grad-CAM).
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
