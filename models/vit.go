package models

import (
	"cmp"
	"fmt"
	"math"
	"strconv"

	"truegrain/autograd"
	"truegrain/nn"
)

// vitSpec describes a vision transformer.
type vitSpec struct {
	image, patch  int // sides
	layers, heads int
	width, mlp    int
	stem          []int // widths of 3×3 convolutions instead of the patch projection; strides 2 at the end
}

var (
	vitB16  = vitSpec{image: 224, patch: 16, layers: 12, heads: 12, width: 768, mlp: 3072}
	vitL16  = vitSpec{image: 224, patch: 16, layers: 24, heads: 16, width: 1024, mlp: 4096}
	vitMini = vitSpec{image: 64, patch: 16, layers: 4, heads: 4, width: 128, mlp: 256}
	// vitMini8 has a convolutional stem: a small transformer learns from few pictures with it (Xiao et al.,
	// "Early convolutions help transformers see better", 2021).
	vitMini8 = vitSpec{image: 64, patch: 8, layers: 4, heads: 4, width: 96, mlp: 192,
		stem: []int{16, 16, 32, 64}}
)

// mostPixels is the largest side of a transformer's pictures: attention grows with its fourth power.
const mostPixels = 2048

// ViT is the vision transformer (Dosovitskiy et al. 2021) as torchvision builds it: patches become tokens, a
// class token goes before them, and after the encoder a linear layer reads that one.
type ViT struct {
	model
	spec       vitSpec
	classToken *autograd.Param // (1,1,D)
	position   *autograd.Param // (1,T,D)
	patches    nn.Layer
	layers     []*encoderLayer
	norm       *nn.LayerNorm
	head       *nn.Linear
}

func vit(s vitSpec) func(*nn.Builder, model, Config) Model {
	return func(b *nn.Builder, m model, c Config) Model {
		s := s
		s.image = cmp.Or(c.Size, s.image)
		if s.image%s.patch != 0 || s.image < s.patch || s.image > mostPixels {
			b.Fail(fmt.Errorf("size %d: want %d to %d, a multiple of %d", s.image, s.patch, mostPixels,
				s.patch))
		}
		m.kind, m.inputSize = Transformer, s.image
		v := &ViT{model: m, spec: s}
		v.classToken = b.Param("class_token", autograd.Plain, nn.Zeros, 1, 1, s.width)
		v.patches = newPatches(b.In("conv_proj"), s)
		e := b.In("encoder")
		side := s.image / s.patch
		v.position = e.Param("pos_embedding", autograd.Plain, nn.Normal(0.02), 1, side*side+1, s.width)
		for i := range s.layers {
			l := e.In("layers").In("encoder_layer_" + strconv.Itoa(i))
			v.layers = append(v.layers, newEncoderLayer(l, s))
		}
		v.norm = nn.NewLayerNorm(e.In("ln"), s.width, 1e-6)
		v.head = nn.NewLinearInit(b.In("heads").In("head"), s.width, c.Classes, nn.Zeros, nn.Zeros)
		v.finish(b)
		return v
	}
}

// Heads is how many layers attend, and how many heads each has.
func (v *ViT) Heads() (layers, heads int) { return v.spec.layers, v.spec.heads }

// newPatches is one convolution whose window is a patch, or the convolutional stem.
func newPatches(b *nn.Builder, s vitSpec) nn.Layer {
	if s.stem == nil {
		return nn.NewConv2D(b, 3, s.width,
			nn.Conv{Kernel: s.patch, Stride: s.patch, ZeroBias: true, Init: nn.LecunTruncNormal})
	}
	stem, in := nn.Sequential{}, 3
	for i, out := range s.stem {
		stride := 1
		if s.patch>>(len(s.stem)-i) > 0 {
			stride = 2
		}
		c := b.In("conv_bn_relu_" + strconv.Itoa(i))
		stem = append(stem,
			nn.NewConv2D(c.In("0"), in, out, nn.Conv{Kernel: 3, Stride: stride, Padding: 1, NoBias: true,
				BatchNorm: true}),
			nn.NewBatchNorm2D(c.In("1"), out).WithReLU())
		in = out
	}
	std := math.Sqrt(2 / float64(s.width))
	stem = append(stem, nn.NewConv2D(b.In("conv_last"), in, s.width,
		nn.Conv{Kernel: 1, ZeroBias: true, Init: nn.Normal(std)}))
	return nn.Named(b.Name(), stem.Forward)
}

// Forward maps pictures (B,S,S,3), S the InputSize, to logits (B,K).
//
// Panics: *tensor.ShapeError if the pictures have another size.
func (v *ViT) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	x.MustShape(v.name+" input", -1, v.spec.image, v.spec.image, 3)
	return t.Scope(func() *autograd.Var {
		y := t.Scope(func() *autograd.Var { return v.encode(t, v.tokens(t, x)) })
		y = t.Reshape(t.Slice(y, 1, 0, 1), x.Dim(0), v.spec.width)
		defer t.Enter("heads")()
		return v.head.Forward(t, out(t, y))
	})
}

// tokens is the class token and the patches of each picture, (B,1+N,D), in the backend's own type: what goes
// through the shortcuts is the sum of all layers.
func (v *ViT) tokens(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	y := v.patches.Forward(t, into(t, x))
	b := y.Dim(0)
	y = t.Reshape(y, b, -1, v.spec.width)
	class := make([]*autograd.Var, b)
	for i := range class {
		class[i] = t.Param(v.classToken)
	}
	return t.Concat(1, t.Concat(0, class...), out(t, y))
}

// encode adds the positions and runs the layers and the last norm.
func (v *ViT) encode(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	defer t.Enter("encoder")()
	position := t.Param(v.position)
	position = t.Reshape(position, position.Dim(1), position.Dim(2))
	stages := nn.Sequential{nn.Named("pos_embedding", func(t *autograd.Tape, x *autograd.Var) *autograd.Var {
		return t.Bias(x, position)
	})}
	for _, l := range v.layers {
		stages = append(stages, nn.Recomputed(l))
	}
	return append(stages, v.norm).Forward(t, x)
}

// Stages are the encoder's layers.
func (v *ViT) Stages() []string {
	names := make([]string, len(v.layers))
	for i := range names {
		names[i] = fmt.Sprintf("encoder.layers.encoder_layer_%d", i)
	}
	return names
}

// encoderLayer is attention and a two-layer perceptron, each behind a norm and beside a shortcut.
type encoderLayer struct {
	name       string
	ln1, ln2   *nn.LayerNorm
	attention  *nn.MultiHeadAttention
	mlp0, mlp3 *nn.Linear
}

func newEncoderLayer(b *nn.Builder, s vitSpec) *encoderLayer {
	return &encoderLayer{name: "layers." + b.Name(),
		ln1:       nn.NewLayerNorm(b.In("ln_1"), s.width, 1e-6),
		attention: nn.NewMultiHeadAttention(b.In("self_attention"), s.width, s.heads),
		ln2:       nn.NewLayerNorm(b.In("ln_2"), s.width, 1e-6),
		mlp0:      nn.NewLinearInit(b.In("mlp").In("0"), s.width, s.mlp, nn.XavierUniform, nn.Normal(1e-6)),
		mlp3:      nn.NewLinearInit(b.In("mlp").In("3"), s.mlp, s.width, nn.XavierUniform, nn.Normal(1e-6)),
	}
}

// Forward maps tokens (B,T,D) to (B,T,D).
func (l *encoderLayer) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	defer t.Enter(l.name)()
	x = t.Scope(func() *autograd.Var { return l.attention.ForwardAdd(t, l.ln1.Forward(t, x), x) })
	return t.Mark(t.Scope(func() *autograd.Var {
		y := l.ln2.Forward(t, x)
		defer t.Enter("mlp")()
		return l.mlp3.ForwardAdd(t, t.GELU(l.mlp0.Forward(t, y)), x)
	}))
}
