package explain

import (
	"context"
	"fmt"

	"truegrain/kernels"
)

// GradCAM is the gradient-weighted class activation map (Selvaraju et al. 2017) of a tapped layer:
//
//	a[c] = mean_{i,j} ∂ log odds/∂ features[i,j,c],  map[i,j] = Σ_c a[c]·features[i,j,c]
//
// It is returned signed, towards a photograph; Toward gives the map of one answer, max(map,0) for a
// photograph and max(−map,0) for AI. In a vision transformer the layer is the last block's "ln_1": behind
// that block's attention only the class token has a gradient.
func (s Subject) GradCAM(ctx context.Context, layer string) (*Map, error) {
	want := Want{Taps: []string{layer}, TapsBack: true}
	return s.one(ctx, want, func(p *Pass) (*Map, error) { return p.GradCAM(layer) })
}

// GradCAM is Subject.GradCAM in this pass.
func (p *Pass) GradCAM(layer string) (*Map, error) {
	v, err := p.tapped(layer)
	if err != nil {
		return nil, fmt.Errorf("Grad-CAM: %w", err)
	}
	if err := p.back(direction{Photograph, kernels.Gradient}); err != nil {
		return nil, err
	}
	h, w, c, first, stride, err := grid(v.Shape())
	if err != nil {
		return nil, err
	}
	features, err := v.Values()
	if err != nil {
		return nil, err
	}
	grad := make([]float32, len(features))
	if g := v.Gradient(); !g.IsZero() {
		grad = g.Float32s(p.subject.Backend)
	}
	m := &Map{B: v.Dim(0), H: h, W: w, Kind: Signed, Values: make([]float32, v.Dim(0)*h*w)}
	a := make([]float32, m.B*c)
	for b := range m.B {
		meanChannels(a[b*c:(b+1)*c], grad[b*stride:(b+1)*stride])
	}
	m.each(first, stride, c, func(i, at int) {
		b := i / (h * w)
		m.Values[i] = dot(features[at:at+c], a[b*c:(b+1)*c])
	})
	return m, nil
}

// meanChannels writes the mean of each channel over all cells of one picture.
func meanChannels(a, grad []float32) {
	c := len(a)
	sum := make([]float64, c)
	for at := 0; at < len(grad); at += c {
		for k, g := range grad[at : at+c] {
			sum[k] += float64(g)
		}
	}
	for k := range a {
		a[k] = float32(sum[k] * float64(c) / float64(len(grad)))
	}
}

// Toward is the part of a signed map that speaks for one answer: max(±map, 0).
func (m *Map) Toward(target Target) *Map {
	out := &Map{B: m.B, H: m.H, W: m.W, Values: make([]float32, len(m.Values))}
	for i, v := range m.Values {
		out.Values[i] = max(0, target.sign()*v)
	}
	return out
}
