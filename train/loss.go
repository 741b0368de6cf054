package train

import (
	"fmt"
	"slices"
	"strings"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/tensor"
	"truegrain/train/data"
)

// Loss is what the loop makes small. The zero Loss follows the shape of the model's output, as the thesis
// did: binary cross entropy of the sigmoid for (B,1), cross entropy for (B,2), mean squared error of the
// sigmoid of every pixel for (B,H,W,1), against the mask if the batch has masks and the picture's label if
// not.
type Loss struct {
	Name      string  // one of LossNames; "" is auto
	Smoothing float64 // the share of every target that is spread over both classes (Szegedy et al. 2016)
	Aux       float64 // the weight of a second head's loss; 0 leaves the head alone
}

// LossNames are the losses. pixel-bce is binary cross entropy of every pixel: it learns faster than
// pixel-mse.
var LossNames = []string{"auto", "bce", "cross-entropy", "pixel-mse", "pixel-bce"}

// Auxiliary is a model whose second head helps in training; aux is nil if it was built without.
type Auxiliary interface {
	ForwardAux(t *autograd.Tape, x *autograd.Var) (out, aux *autograd.Var)
}

// forward is a model's output, that of its second head if that has a share of the loss, and the loss.
func (l Loss) forward(t *autograd.Tape, m Model, b *data.Batch) (out, aux, loss *autograd.Var) {
	x := input(t, b)
	two, ok := m.(Auxiliary)
	if !ok || l.Aux == 0 || !t.Training() {
		out = m.Forward(t, x)
		return out, nil, l.of(t, out, b)
	}
	out, aux = two.ForwardAux(t, x)
	loss = l.of(t, out, b)
	if aux != nil {
		loss = t.Add(loss, t.Scale(l.of(t, aux, b), l.Aux))
	}
	return out, aux, loss
}

// input is a batch's pictures on the tape.
func input(t *autograd.Tape, b *data.Batch) *autograd.Var {
	if b.X.Buf.DType() == kernels.U8 {
		return t.Pictures(b.X, b.Mean, b.Std)
	}
	return t.Upload(b.X)
}

// of is the loss of a model's output.
func (l Loss) of(t *autograd.Tape, out *autograd.Var, b *data.Batch) *autograd.Var {
	shape := out.Shape()
	targets := l.targets(shape, b)
	switch {
	case len(shape) == 2 && shape[1] == 1 && l.is("bce"):
		return t.BCELogits(out, t.Upload(tensor.New(targets[0], shape...)))
	case len(shape) == 2 && shape[1] == 2 && l.is("cross-entropy"):
		return l.crossEntropy(t, out, targets)
	case len(shape) == 4 && shape[3] == 1 && l.is("pixel-mse"):
		return t.MSE(t.Sigmoid(out), t.Upload(tensor.New(targets[0], shape...)))
	case len(shape) == 4 && shape[3] == 1 && l.Name == "pixel-bce":
		return t.BCELogits(out, t.Upload(tensor.New(targets[0], shape...)))
	default:
		panic(&tensor.ShapeError{Op: fmt.Sprintf("loss %s: a model whose output is (B,1), (B,2) or (B,H,W,1)",
			l), Got: shape})
	}
}

// targets are what an output of a shape is compared with, in host memory, in the order in which the loss
// takes them: the probability of a photograph for each number of the output, or of two outputs the right
// classes, and with smoothing the wrong ones.
func (l Loss) targets(shape tensor.Shape, b *data.Batch) []kernels.Buf {
	switch {
	case len(shape) == 2 && shape[1] == 2:
		right := []kernels.Buf{kernels.Of(b.Label)}
		if l.Smoothing == 0 {
			return right
		}
		others := slices.Clone(b.Label)
		for i := range others {
			others[i] = 1 - others[i]
		}
		return append(right, kernels.Of(others))
	case len(shape) == 4:
		return []kernels.Buf{l.smooth(pixelTargets(shape, b)).Buf}
	}
	return []kernels.Buf{l.smooth(tensor.FromSlice(floats(b.Label, 1), len(b.Label), 1)).Buf}
}

// is says that a loss is the one wanted, by name or because the output asks for it.
func (l Loss) is(name string) bool { return l.Name == "" || l.Name == "auto" || l.Name == name }

func (l Loss) String() string {
	if l.Name == "" {
		return "auto"
	}
	return l.Name
}

// crossEntropy against targets of 1−s/2 for the right class and s/2 for the other is the weighted sum of the
// cross entropies against both.
func (l Loss) crossEntropy(t *autograd.Tape, out *autograd.Var, targets []kernels.Buf) *autograd.Var {
	right := t.CrossEntropy(out, t.UploadInts(kernels.Floats[int32](targets[0])))
	if l.Smoothing == 0 {
		return right
	}
	wrong := t.CrossEntropy(out, t.UploadInts(kernels.Floats[int32](targets[1])))
	return t.Add(t.Scale(right, 1-l.Smoothing/2), t.Scale(wrong, l.Smoothing/2))
}

// smooth moves targets in host memory towards one half.
func (l Loss) smooth(target tensor.Tensor) tensor.Tensor {
	if l.Smoothing == 0 {
		return target
	}
	out := make([]float32, target.Len())
	for i, v := range kernels.Floats[float32](target.Buf) {
		out[i] = v*float32(1-l.Smoothing) + float32(l.Smoothing/2)
	}
	return tensor.FromSlice(out, target.Shape()...)
}

// floats repeats every label for n pixels.
func floats(labels []int32, n int) []float32 {
	out := make([]float32, 0, len(labels)*n)
	for _, l := range labels {
		for range n {
			out = append(out, float32(l))
		}
	}
	return out
}

// pixelTargets is p(photograph) of every pixel.
func pixelTargets(shape tensor.Shape, b *data.Batch) tensor.Tensor {
	if !b.Mask.IsZero() {
		b.Mask.MustShape("loss: masks", shape[0], shape[1], shape[2], 1)
		return b.Mask
	}
	return tensor.FromSlice(floats(b.Label, shape[1]*shape[2]), shape...)
}

// Validate says whether a loss exists.
func (l Loss) Validate() error {
	if l.Name != "" && !slices.Contains(LossNames, l.Name) {
		return fmt.Errorf("loss %q: want %s", l.Name, strings.Join(LossNames, ", "))
	}
	return nil
}
