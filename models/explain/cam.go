package explain

import (
	"context"
	"fmt"

	"truegrain/autograd"
)

// CAM is the class activation map (Zhou et al. 2016): the last feature maps, weighted by the linear layer
// behind the global average pooling.
//
//	map[i,j] = Σ_c w[c]·features[i,j,c]
//
// Its mean over the cells, plus the bias, is the logit: what is positive speaks for a photograph, what is
// negative for AI. layer is the last stage ("layer4"), weight that of the linear layer, of one row or two.
func (s Subject) CAM(ctx context.Context, layer string, weight *autograd.Param) (*Map, error) {
	want := Want{Taps: []string{layer}}
	return s.one(ctx, want, func(p *Pass) (*Map, error) { return p.CAM(layer, weight) })
}

// CAM is Subject.CAM in this pass.
func (p *Pass) CAM(layer string, weight *autograd.Param) (*Map, error) {
	w, err := p.subject.logOddsWeights(weight)
	if err != nil {
		return nil, err
	}
	v, err := p.tapped(layer)
	if err != nil {
		return nil, fmt.Errorf("CAM: %w", err)
	}
	features, err := v.Values()
	if err != nil {
		return nil, err
	}
	h, wd, c, first, stride, err := grid(v.Shape())
	if err != nil {
		return nil, err
	}
	if c != len(w) {
		return nil, fmt.Errorf("CAM: layer %q has %d channels, %q takes %d", layer, c, weight.Name, len(w))
	}
	m := &Map{B: v.Dim(0), H: h, W: wd, Kind: Signed, Values: make([]float32, v.Dim(0)*h*wd)}
	m.each(first, stride, c, func(i, at int) { m.Values[i] = dot(features[at:at+c], w) })
	return m, nil
}

// each calls f for every cell of every picture with the cell's index in the map and where its c channels
// start.
func (m *Map) each(first, stride, c int, f func(i, at int)) {
	for b := range m.B {
		for k := range m.H * m.W {
			f(b*m.H*m.W+k, b*stride+first+k*c)
		}
	}
}

// logOddsWeights is the row of a linear head that gives the log odds of a photograph: the one row, or the
// second minus the first.
func (s Subject) logOddsWeights(p *autograd.Param) ([]float32, error) {
	w, d := p.Value.Float32s(s.Backend), p.Value.Dim(-1)
	switch len(w) {
	case d:
		return w, nil
	case 2 * d:
		for i := range d {
			w[i] = w[d+i] - w[i]
		}
		return w[:d], nil
	}
	return nil, fmt.Errorf("CAM: %q has shape %v, want one or two rows", p.Name, p.Value.Shape())
}

// dot is Σ a·b, gathered in float64.
func dot(a, b []float32) float32 {
	var s float64
	for i, v := range a {
		s += float64(v) * float64(b[i])
	}
	return float32(s)
}
