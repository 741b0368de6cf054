package models

import (
	"truegrain/autograd"
	"truegrain/nn"
)

// blockConf sets a residual block: channels in, of the inner convolutions, and out.
type blockConf struct{ in, width, out, stride, dilation int }

// block is a residual block (He et al. 2016): the body's last batch norm adds the shortcut and rectifies.
// With three convolutions the stride is in the second, as in torchvision.
type block struct {
	name string
	body nn.Sequential // up to the last convolution
	last *nn.BatchNorm2D
	down nn.Layer // the shortcut; nil where it is the identity
}

func newBlock(b *nn.Builder, c blockConf, bottleneck bool) *block {
	k := &block{name: b.Name()}
	if bottleneck {
		k.body = nn.Sequential{
			conv(b.In("conv1"), c.in, c.width, 1, 1, 1),
			nn.NewBatchNorm2D(b.In("bn1"), c.width).WithReLU(),
			conv(b.In("conv2"), c.width, c.width, 3, c.stride, c.dilation),
			nn.NewBatchNorm2D(b.In("bn2"), c.width).WithReLU(),
			conv(b.In("conv3"), c.width, c.out, 1, 1, 1)}
		k.last = nn.NewBatchNorm2D(b.In("bn3"), c.out).WithReLU()
	} else {
		k.body = nn.Sequential{
			conv(b.In("conv1"), c.in, c.width, 3, c.stride, c.dilation),
			nn.NewBatchNorm2D(b.In("bn1"), c.width).WithReLU(),
			conv(b.In("conv2"), c.width, c.out, 3, 1, 1)}
		k.last = nn.NewBatchNorm2D(b.In("bn2"), c.out).WithReLU()
	}
	if c.stride != 1 || c.in != c.out {
		d := b.In("downsample")
		k.down = nn.Named("downsample", nn.Sequential{
			conv(d.In("0"), c.in, c.out, 1, c.stride, 1), nn.NewBatchNorm2D(d.In("1"), c.out)}.Forward)
	}
	return k
}

// conv is a convolution without bias that keeps the size but for its stride; batch norm follows.
func conv(b *nn.Builder, in, out, kernel, stride, dilation int) *nn.Conv2D {
	return nn.NewConv2D(b, in, out, nn.Conv{Kernel: kernel, Stride: stride, Dilation: dilation,
		Padding: dilation * (kernel / 2), NoBias: true, Init: nn.KaimingNormalFanOut, BatchNorm: true})
}

// Forward maps (B,H,W,in) to (B,⌈H/stride⌉,⌈W/stride⌉,out).
func (k *block) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	defer t.Enter(k.name)()
	return t.Mark(t.Scope(func() *autograd.Var {
		shortcut := x
		if k.down != nil {
			shortcut = k.down.Forward(t, x)
		}
		return k.last.ForwardAdd(t, k.body.Forward(t, x), shortcut)
	}))
}
