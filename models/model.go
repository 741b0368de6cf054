package models

import (
	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/nn"
)

// The classes of a detector with two outputs, in the order of the data set's folders.
const (
	AI         = 0
	Photograph = 1
)

// Kind says what a model's output looks like and which explanations fit it.
type Kind uint8

// The kinds: a Convolutional classifier ends in global average pooling and one linear layer, logits (B,K); a
// Segmenter has logits (B,H,W,K) for each pixel of pictures of any size; a Transformer classifies pictures of
// its InputSize only, logits (B,K).
const (
	Convolutional Kind = iota
	Segmenter
	Transformer
)

func (k Kind) String() string { return [...]string{"convolutional", "segmenter", "transformer"}[k] }

// Model is a detector.
type Model interface {
	// Name is the architecture, a name that New takes.
	Name() string
	Kind() Kind
	// InputSize is the side of the square pictures that the model is trained on, and for a Transformer the
	// only size that it takes.
	InputSize() int
	// Classes is the number of outputs K, per picture or per pixel: 1 is the logit of "photograph", 2 are the
	// logits of AI and Photograph.
	Classes() int
	// Params is every parameter and buffer, in torchvision's order.
	Params() []*autograd.Param
	// Forward maps pictures (B,H,W,3) to logits, both in the backend's own type; between them are its
	// Activations.
	Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var
	// Probability maps logits to p(photograph) of each picture (B); a segmenter's is the mean over its
	// pixels.
	Probability(t *autograd.Tape, logits *autograd.Var) *autograd.Var
	// Stages names the places whose value is worth looking at, in order: "layer1" … "layer4", or each block's
	// "encoder.layers.encoder_layer_i". All can be tapped.
	Stages() []string
	// Head is the last linear layer of a Convolutional model, whose weights make its class activation maps of
	// the last stage (Zhou et al. 2016); nil otherwise.
	Head() *nn.Linear
}

// Auxiliary is a model with a second head that helps in training.
type Auxiliary interface {
	Model
	// ForwardAux is Forward with the second head's logits (B,H,W,K) beside it; nil if the model was built
	// without.
	ForwardAux(t *autograd.Tape, x *autograd.Var) (logits, aux *autograd.Var)
}

// Photographs maps logits to p(photograph) at every position, the shape without the last axis: the sigmoid of
// a single logit, the softmax's second of two.
//
// Panics: *kernels.ArgError for any other number of classes.
func Photographs(t *autograd.Tape, logits *autograd.Var) *autograd.Var {
	shape := logits.Shape()
	positions := shape[:len(shape)-1]
	switch k := logits.Dim(-1); k {
	case 1:
		return t.Reshape(t.Sigmoid(logits), positions...)
	case 2:
		p := t.Softmax(t.Reshape(logits, -1, 2))
		return t.Reshape(t.Slice(p, 1, Photograph, Photograph+1), positions...)
	}
	panic(&kernels.ArgError{Op: "models.Photographs", Field: "logits",
		Reason: "a detector has one output or two: build the model with Classes 1 or 2"})
}

// model is what all architectures share.
type model struct {
	name      string
	kind      Kind
	inputSize int
	classes   int
	params    []*autograd.Param
}

func (m *model) Name() string              { return m.name }
func (m *model) Kind() Kind                { return m.kind }
func (m *model) InputSize() int            { return m.inputSize }
func (m *model) Classes() int              { return m.classes }
func (m *model) Params() []*autograd.Param { return m.params }
func (m *model) Head() *nn.Linear          { return nil }

func (m *model) Probability(t *autograd.Tape, logits *autograd.Var) *autograd.Var {
	p := Photographs(t, logits)
	if p.Rank() == 1 {
		return p
	}
	return t.MeanAxis(t.Reshape(p, p.Dim(0), -1), 1)
}

// into gives pictures the type of the values between ops.
func into(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	return t.Cast(x, t.Backend().Activations())
}

// out gives what becomes logits the backend's own type, in which probabilities and losses are computed, too:
// one rounding of a logit would weigh more than all those before it.
func out(t *autograd.Tape, y *autograd.Var) *autograd.Var { return t.Cast(y, t.Backend().DType()) }

// finish takes over what the builder has registered.
func (m *model) finish(b *nn.Builder) { m.params = b.Params() }
