package models

import (
	"cmp"
	"strconv"

	"truegrain/autograd"
	"truegrain/nn"
)

// trunkSpec describes a residual network without its head (He et al. 2016).
type trunkSpec struct {
	bottleneck bool    // blocks of three convolutions that end four times as wide, else of two
	blocks     [4]int  // in each stage
	width      int     // of the stem and the first stage; each later stage has twice the one before
	stem       int     // side of the first convolution
	pool       bool    // stride 2 in the first convolution and in a max pooling; else the stem keeps the size
	strides    [4]int  // of each stage's first block
	dilate     [4]bool // whether dilation replaces the stride, by stage
}

var (
	resnet18 = trunkSpec{blocks: [4]int{2, 2, 2, 2}, width: 64, stem: 7, pool: true,
		strides: [4]int{1, 2, 2, 2}}
	resnet34 = trunkSpec{blocks: [4]int{3, 4, 6, 3}, width: 64, stem: 7, pool: true,
		strides: [4]int{1, 2, 2, 2}}
	resnet50 = trunkSpec{bottleneck: true, blocks: [4]int{3, 4, 6, 3}, width: 64, stem: 7, pool: true,
		strides: [4]int{1, 2, 2, 2}}
	resnet101 = trunkSpec{bottleneck: true, blocks: [4]int{3, 4, 23, 3}, width: 64, stem: 7, pool: true,
		strides: [4]int{1, 2, 2, 2}}
	// resnetMini looks at every pixel before it strides: the fingerprints of generators are fine structure.
	resnetMini = trunkSpec{blocks: [4]int{1, 1, 1, 1}, width: 16, stem: 3, strides: [4]int{2, 2, 2, 2}}
)

// dilated is the spec with the last two stages' strides replaced by dilation, so that stage 4 has an eighth
// of the picture's size instead of a thirty-second (torchvision's replace_stride_with_dilation).
func (s trunkSpec) dilated() trunkSpec {
	s.dilate = [4]bool{2: true, 3: true}
	return s
}

// channels is the width of a stage's result.
func (s trunkSpec) channels(stage int) int {
	if s.bottleneck {
		return 4 * s.width << stage
	}
	return s.width << stage
}

// stride is by how much a stage's result is smaller than the picture.
func (s trunkSpec) stride(stage int) int {
	n := 1
	if s.pool {
		n = 4
	}
	for i := range stage + 1 {
		if !s.dilate[i] {
			n *= s.strides[i]
		}
	}
	return n
}

var (
	maxPool = nn.Named("maxpool", func(t *autograd.Tape, x *autograd.Var) *autograd.Var {
		return t.MaxPool2D(x, autograd.Pooling{
			Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Padding: [2]int{1, 1}})
	})
	averagePool = nn.Named("avgpool", func(t *autograd.Tape, x *autograd.Var) *autograd.Var {
		return t.AdaptiveAvgPool2D(x, 1, 1)
	})
)

// trunk is the stem and the four stages.
type trunk struct {
	stem   nn.Sequential
	stages [4]nn.Layer
}

func newTrunk(b *nn.Builder, s trunkSpec) *trunk {
	stride := 1
	if s.pool {
		stride = 2
	}
	k := &trunk{stem: nn.Sequential{
		nn.NewConv2D(b.In("conv1"), 3, s.width, nn.Conv{Kernel: s.stem, Stride: stride, Padding: s.stem / 2,
			NoBias: true, Init: nn.KaimingNormalFanOut, BatchNorm: true}),
		nn.NewBatchNorm2D(b.In("bn1"), s.width).WithReLU(),
	}}
	if s.pool {
		k.stem = append(k.stem, maxPool)
	}
	in, dilation := s.width, 1
	for i := range k.stages {
		k.stages[i], dilation = newStage(b.In("layer"+strconv.Itoa(i+1)), s, i, in, dilation)
		in = s.channels(i)
	}
	return k
}

// newStage builds the blocks of one stage. The first one has the dilation of the stage before, as in
// torchvision.
func newStage(b *nn.Builder, s trunkSpec, stage, in, dilation int) (nn.Layer, int) {
	c := blockConf{in: in, width: s.width << stage, out: s.channels(stage), stride: s.strides[stage],
		dilation: dilation}
	if s.dilate[stage] {
		dilation *= c.stride
		c.stride = 1
	}
	blocks := nn.Sequential{}
	for j := range s.blocks[stage] {
		blocks = append(blocks, nn.Recomputed(newBlock(b.In(strconv.Itoa(j)), c, s.bottleneck)))
		c.in, c.stride, c.dilation = c.out, 1, dilation
	}
	return nn.Named(b.Name(), blocks.Forward), dilation
}

// forward is the result of stage last of pictures x.
func (k *trunk) forward(t *autograd.Tape, x *autograd.Var, last int) *autograd.Var {
	layers := nn.Sequential{k.stem}
	return append(layers, k.stages[:last+1]...).Forward(t, into(t, x))
}

// ResNet is a residual network that classifies pictures of any size.
type ResNet struct {
	model
	trunk *trunk
	fc    *nn.Linear
}

func resnet(s trunkSpec, size int) func(*nn.Builder, model, Config) Model {
	return func(b *nn.Builder, m model, c Config) Model {
		m.kind, m.inputSize = Convolutional, cmp.Or(m.inputSize, size)
		r := &ResNet{model: m, trunk: newTrunk(b, s), fc: nn.NewLinear(b.In("fc"), s.channels(3), c.Classes)}
		r.finish(b)
		return r
	}
}

// Forward maps pictures (B,H,W,3) to logits (B,K).
func (r *ResNet) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	return t.Scope(func() *autograd.Var {
		y := averagePool.Forward(t, r.trunk.forward(t, x, 3))
		return r.fc.Forward(t, out(t, t.Reshape(y, x.Dim(0), -1)))
	})
}

// Head is the last linear layer.
func (r *ResNet) Head() *nn.Linear { return r.fc }

// Stages are layer1 to layer4.
func (r *ResNet) Stages() []string { return []string{"layer1", "layer2", "layer3", "layer4"} }
