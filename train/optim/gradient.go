package optim

import (
	"fmt"
	"math"

	"truegrain/autograd"
	"truegrain/kernels"
)

// Gradients measures and scales the gradients of all parameters together.
type Gradients struct {
	params []*autograd.Param
	square kernels.Buf // of the largest parameter
	sum    kernels.Buf // one element
}

// NewGradients takes memory for the squares of the largest parameter.
func NewGradients(params []*autograd.Param) (*Gradients, error) {
	g := &Gradients{}
	most := 0
	for _, p := range params {
		if !p.Buffer && !p.Frozen {
			g.params = append(g.params, p)
			most = max(most, p.Value.Len())
		}
	}
	if len(g.params) == 0 {
		return nil, fmt.Errorf("no parameter learns: everything is frozen")
	}
	be := g.params[0].Backend()
	var err error
	if g.square, err = be.Alloc(be.DType(), most); err != nil {
		return nil, fmt.Errorf("gradient norm: %w", err)
	}
	if g.sum, err = be.Alloc(be.DType(), 1); err != nil {
		return nil, fmt.Errorf("gradient norm: %w", err)
	}
	return g, nil
}

// Norm is the Euclidean norm of all gradients together. Where it is not a finite number, bad is the parameter
// nearest to the loss whose gradient is not.
func (g *Gradients) Norm() (norm float64, bad *autograd.Param) {
	var total float64
	out := make([]float64, 1)
	for _, p := range g.params {
		d := p.Grad()
		if d.IsZero() {
			continue
		}
		be, n := p.Backend(), d.Len()
		be.Mul(kernels.Mul{N: n, A: d.Buf, B: d.Buf, Y: g.square.Slice(0, n)})
		be.Sum(kernels.Sum{Outer: 1, N: n, Inner: 1, Scale: 1, X: g.square.Slice(0, n), Y: g.sum})
		be.Download(kernels.Of(out), g.sum)
		if math.IsNaN(out[0]) || math.IsInf(out[0], 0) {
			bad = p
		}
		total += out[0]
	}
	return math.Sqrt(total), bad
}

// Scale multiplies every gradient by a number.
func (g *Gradients) Scale(by float64) {
	for _, p := range g.params {
		if d := p.Grad(); !d.IsZero() {
			p.Backend().Scale(kernels.Scale{N: d.Len(), Alpha: by, X: d.Buf, Y: d.Buf})
		}
	}
}
