package explain

import (
	"context"
	"fmt"
	"math"
	"slices"

	"truegrain/tensor"
)

// Attention holds the softmax attention of every layer of a vision transformer: Layers[l] is (B,NH,T,T),
// token 0 the class token.
type Attention struct {
	B, Heads, T int
	Layers      [][]float32
}

// Attention runs the model once with every attention map tapped. pattern names the taps, in the order of the
// layers: "encoder.layers.*.self_attention.attention".
func (s Subject) Attention(ctx context.Context, pattern string) (a *Attention, err error) {
	err = s.Pass(ctx, Want{Taps: []string{pattern}}, func(p *Pass) (err error) {
		a, err = p.Attention()
		return err
	})
	return a, err
}

// Attention is all attention maps among the taps of this pass.
func (p *Pass) Attention() (*Attention, error) {
	a := &Attention{}
	for _, n := range p.tape.Nodes() { // taps have no order; the nodes do
		v := p.tape.Tapped(n.Path + ".attention")
		if v == nil || n.Name != "attention" {
			continue
		}
		a.B, a.Heads, a.T = v.Dim(0), v.Dim(1), v.Dim(2)
		values, err := v.Values()
		if err != nil {
			return nil, err
		}
		a.Layers = append(a.Layers, values)
	}
	if len(a.Layers) == 0 {
		return nil, fmt.Errorf("attention maps: %w", ErrNoTap)
	}
	return a, nil
}

// of is the T×T matrix of one picture, layer and head.
func (a *Attention) of(b, layer, head int) []float32 {
	n := a.T * a.T
	at := (b*a.Heads + head) * n
	return a.Layers[layer][at : at+n]
}

// Rollout is attention rollout (Abnar & Zuidema 2020): with A[l] the attention of layer l averaged over its
// heads, how much of each patch's input reaches the class token if the residual path carries as much as
// attention:
//
//	R = Â[L]·…·Â[1],  Â = (A + I) with rows that sum to 1,  map = R[class, patches]
func (a *Attention) Rollout() (*Map, error) {
	m, err := a.newMap()
	if err != nil {
		return nil, err
	}
	mean := make([]float64, a.T*a.T)
	for b := range a.B {
		row := make([]float64, a.T)
		row[0] = 1
		for l := len(a.Layers) - 1; l >= 0; l-- { // the class token's row of the product, from the left
			a.meanHeads(mean, b, l)
			row = a.step(row, mean)
		}
		for i := range m.At(b) {
			m.At(b)[i] = float32(row[i+1])
		}
	}
	return m, nil
}

func (a *Attention) meanHeads(mean []float64, b, layer int) {
	clear(mean)
	for h := range a.Heads {
		for i, p := range a.of(b, layer, h) {
			mean[i] += float64(p) / float64(a.Heads)
		}
	}
}

// step is row·Â for one layer.
func (a *Attention) step(row, mean []float64) []float64 {
	next := make([]float64, a.T)
	for i, r := range row {
		if r == 0 {
			continue
		}
		line := mean[i*a.T : (i+1)*a.T]
		sum := 1.0 // the identity
		for _, p := range line {
			sum += p
		}
		for j, p := range line {
			next[j] += r * p / sum
		}
		next[i] += r / sum
	}
	return next
}

// AllHeads stands for the mean over the heads in Layer.
const AllHeads = -1

// Layer is what one token looks at in one layer, in one head or in the mean of AllHeads: its attention to
// every patch. Token 0 is the class token.
func (a *Attention) Layer(layer, head, token int) (*Map, error) {
	m, err := a.newMap()
	if err != nil {
		return nil, err
	}
	if layer < 0 || layer >= len(a.Layers) || head < AllHeads || head >= a.Heads || token < 0 ||
		token >= a.T {
		return nil, fmt.Errorf("attention: layer %d, head %d, token %d asked for; the model has %d layers, "+
			"%d heads, %d tokens",
			layer, head, token, len(a.Layers), a.Heads, a.T)
	}
	heads := []int{head}
	if head == AllHeads {
		heads = slices.Collect(func(yield func(int) bool) {
			for h := 0; h < a.Heads && yield(h); h++ {
			}
		})
	}
	for b := range a.B {
		for _, h := range heads {
			row := a.of(b, layer, h)[token*a.T+1 : (token+1)*a.T]
			for i, p := range row {
				m.At(b)[i] += p / float32(len(heads))
			}
		}
	}
	return m, nil
}

func (a *Attention) newMap() (*Map, error) {
	side := int(math.Round(math.Sqrt(float64(a.T - 1))))
	if a.T < 2 || side*side != a.T-1 {
		return nil, &tensor.ShapeError{Op: "attention map of a class token and a square of patches",
			Got: []int{a.T}}
	}
	return &Map{B: a.B, H: side, W: side, Values: make([]float32, a.B*side*side)}, nil
}
