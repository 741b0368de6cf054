package models

import (
	"cmp"
	"strconv"

	"truegrain/autograd"
	"truegrain/nn"
)

// FCN8s is the fully convolutional network with skips from the last three stages of a ResNet and three
// learned transposed convolutions (Long et al. 2015):
//
//	y32 = up32(score32(f4)) + score16(f3),  y16 = up16(y32) + score8(f2),  y = up8(y16)
//
// The numbers are the strides of a ResNet50's stages and stand for those of the trunk at hand. It starts as
// bilinear interpolation of scores that are all zero. Pictures are padded with zeros at the bottom and the
// right to whole multiples of the last stage's stride, and the result is cropped back, so that any size from
// 1×1 will do.
type FCN8s struct {
	model
	backbone *trunk
	scores   [3]*nn.Conv2D          // of stages 2, 3 and 4
	ups      [3]*nn.ConvTranspose2D // to stage 3, to stage 2, to the picture
	multiple int
}

func fcn8s(s trunkSpec, size int) func(*nn.Builder, model, Config) Model {
	return func(b *nn.Builder, m model, c Config) Model {
		m.kind, m.inputSize = Segmenter, cmp.Or(m.inputSize, size)
		f := &FCN8s{model: m, backbone: newTrunk(b.In("backbone"), s), multiple: s.stride(3)}
		for i, stage := range []string{"8", "16", "32"} {
			f.scores[i] = nn.NewConv2D(b.In("score"+stage), s.channels(i+1), c.Classes,
				nn.Conv{Kernel: 1, ZeroBias: true, Init: nn.Zeros})
		}
		for i, factor := range []int{s.strides[3], s.strides[2], s.stride(1)} {
			f.ups[i] = nn.NewConvTranspose2D(b.In("up"+strconv.Itoa(32>>i)), c.Classes, c.Classes,
				nn.Conv{Kernel: 2 * factor, Stride: factor, Padding: factor / 2, NoBias: true,
					Init: nn.Bilinear})
		}
		f.finish(b)
		return f
	}
}

// Forward maps pictures (B,H,W,3) of any size to logits (B,H,W,K).
func (f *FCN8s) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	h, w := x.Dim(1), x.Dim(2)
	return t.Scope(func() *autograd.Var {
		scores := f.score(t, f.pad(t, x))
		y := t.Add(f.ups[0].Forward(t, scores[2]), scores[1])
		y = t.Add(f.ups[1].Forward(t, y), scores[0])
		return crop(t, f.ups[2].Forward(t, y), h, w)
	})
}

// score is what the last three stages say, each at its own size.
func (f *FCN8s) score(t *autograd.Tape, x *autograd.Var) (scores [3]*autograd.Var) {
	for i := range scores {
		x = t.Scope(func() *autograd.Var {
			defer t.Enter("backbone")()
			if i == 0 {
				return f.backbone.forward(t, x, 1)
			}
			return f.backbone.stages[i+1].Forward(t, x)
		})
		scores[i] = out(t, f.scores[i].Forward(t, x))
	}
	return scores
}

// pad adds zeros at the bottom and the right, up to whole multiples.
func (f *FCN8s) pad(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	rest := func(n int) int { return (f.multiple - n%f.multiple) % f.multiple }
	bottom, right := rest(x.Dim(1)), rest(x.Dim(2))
	if bottom == 0 && right == 0 {
		return x
	}
	return t.Pad(x, 0, bottom, 0, right)
}

// crop keeps the first h rows and w columns.
func crop(t *autograd.Tape, x *autograd.Var, h, w int) *autograd.Var {
	if x.Dim(1) != h {
		x = t.Slice(x, 1, 0, h)
	}
	if x.Dim(2) != w {
		x = t.Slice(x, 2, 0, w)
	}
	return x
}

// Stages are the backbone's layer1 to layer4.
func (f *FCN8s) Stages() []string { return backboneStages() }
