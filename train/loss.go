package train

import (
	"fmt"

	"truegrain/autograd"
	"truegrain/tensor"
	"truegrain/train/data"
)

// Loss is what the loop makes small. The zero Loss follows the shape of the model's output, as the thesis did:
// binary cross entropy of the sigmoid for (B,1), cross entropy for (B,2), mean squared error of the sigmoid of
// every pixel for (B,H,W,1), against the mask if the batch has masks and the picture's label if not.
type Loss string

// The losses. PixelBCE is binary cross entropy of every pixel: it learns faster than the mean squared error.
const (
	ByOutput Loss = ""
	PixelBCE Loss = "pixel-bce"
)

func (l Loss) of(t *autograd.Tape, out *autograd.Var, b *data.Batch) *autograd.Var {
	switch {
	case out.Rank() == 2 && out.Dim(1) == 1:
		return t.BCELogits(out, t.Upload(tensor.FromSlice(floats(b.Label, 1), len(b.Label), 1)))
	case out.Rank() == 2:
		return t.CrossEntropy(out, t.UploadInts(b.Label))
	case out.Rank() == 4 && out.Dim(3) == 1:
		target := t.Upload(pixelTargets(out.Shape(), b))
		if l == PixelBCE {
			return t.BCELogits(out, target)
		}
		return t.MSE(t.Sigmoid(out), target)
	}
	panic(&tensor.ShapeError{Op: "loss: output (B,1), (B,2) or (B,H,W,1)", Got: out.Shape()})
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
	if l != ByOutput && l != PixelBCE {
		return fmt.Errorf("loss %q: want %q or leave it out", l, PixelBCE)
	}
	return nil
}
