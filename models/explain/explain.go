// Package explain says where in a picture a detector found its answer: class activation maps, gradients,
// guided backpropagation, attention, and the pixel map of a segmenting detector.
//
// Every method is a small function over a Pass: one forward pass with taps, and at most one backward pass.
// Subject has each for itself; who wants several maps of the same pictures reads them from one Pass. A method
// returns the raw float map of every picture of the batch, in the resolution in which the detector has it;
// Layer draws one over its picture, with a fixed scale and a legend.
package explain

import (
	"errors"
	"fmt"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/tensor"
)

// Model is what is explained: any model whose output is p(photograph) as one logit (B,1), as two (B,2) with
// AI first, or as one logit per pixel (B,H,W,1).
type Model interface {
	Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var
}

// Target is the answer whose reasons are asked for.
type Target int

// The two answers, in the order of the classes.
const (
	AI Target = iota
	Photograph
)

func (t Target) String() string { return [...]string{"AI", "photograph"}[t] }

// sign is what the evidence for a photograph is multiplied by.
func (t Target) sign() float32 {
	if t == AI {
		return -1
	}
	return 1
}

// Kind is how the values of a map are to be read.
type Kind int

// The kinds: Positive, 0 or more of something; Signed, positive for a photograph and negative for AI;
// Probability, p(AI) from 0 to 1.
const (
	Positive Kind = iota
	Signed
	Probability
)

// Map is the maps of one method for a batch of pictures: B grids of H×W values, row-major.
type Map struct {
	B, H, W int
	Kind    Kind
	Values  []float32
}

// At is the grid of picture b.
func (m *Map) At(b int) []float32 { return m.Values[b*m.H*m.W : (b+1)*m.H*m.W] }

// Subject is a model looking at a batch of pictures (B,H,W,3) in memory of the backend, normalised as the
// model wants them. Pool may be nil.
type Subject struct {
	Backend kernels.Backend
	Model   Model
	X       tensor.Tensor
	Pool    *autograd.Pool
}

// ErrNoTap says that the model has no layer of the asked name.
var ErrNoTap = errors.New("the model marks no such layer")

// grid reads a tapped value as pictures of h×w cells with c channels: (B,h,w,C) as it is, tokens (B,1+h·w,C)
// without the class token. first is where the first cell of a picture starts, stride the elements of a
// picture.
func grid(shape tensor.Shape) (h, w, c, first, stride int, err error) {
	switch len(shape) {
	case 4:
		return shape[1], shape[2], shape[3], 0, shape[1] * shape[2] * shape[3], nil
	case 3:
		side := 0
		for (side+1)*(side+1) <= shape[1]-1 {
			side++
		}
		if side*side == shape[1]-1 {
			return side, side, shape[2], shape[2], shape[1] * shape[2], nil
		}
	}
	return 0, 0, 0, 0, 0, fmt.Errorf("explain: a layer of shape %v is neither a picture nor a class token "+
		"and a square of patches", shape)
}
