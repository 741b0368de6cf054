package models

import (
	"cmp"

	"truegrain/autograd"
	"truegrain/nn"
)

// FCN is torchvision's fcn_resnet50: a dilated ResNet, a head of two convolutions on its last stage, and
// bilinear enlargement to the picture's size (Long et al. 2015; Chen et al. 2017).
type FCN struct {
	model
	backbone  *trunk
	head, aux nn.Layer // aux, on the third stage, may be nil
}

func fcn(s trunkSpec, size int) func(*nn.Builder, model, Config) Model {
	return func(b *nn.Builder, m model, c Config) Model {
		m.kind, m.inputSize = Segmenter, cmp.Or(m.inputSize, size)
		s := s.dilated()
		f := &FCN{model: m, backbone: newTrunk(b.In("backbone"), s)}
		f.head = newFCNHead(b.In("classifier"), s.channels(3), c)
		if c.Aux {
			f.aux = newFCNHead(b.In("aux_classifier"), s.channels(2), c)
		}
		f.finish(b)
		return f
	}
}

// newFCNHead is convolution, batch norm, ReLU, dropout and a 1×1 convolution to the classes. Each is a layer
// of its own, as in torchvision, so that all five can be tapped.
func newFCNHead(b *nn.Builder, in int, c Config) nn.Layer {
	p := 0.1
	if c.NoDropout {
		p = 0
	}
	return nn.Named(b.Name(), nn.Sequential{
		nn.NewConv2D(b.In("0"), in, in/4, nn.Conv{Kernel: 3, Padding: 1, NoBias: true, BatchNorm: true}),
		nn.NewBatchNorm2D(b.In("1"), in/4),
		nn.Named("2", (*autograd.Tape).ReLU),
		nn.NewDropout(b.In("3"), p),
		nn.NewConv2D(b.In("4"), in/4, c.Classes, nn.Conv{Kernel: 1}),
	}.Forward)
}

// Forward maps pictures (B,H,W,3) of any size to logits (B,H,W,K).
func (f *FCN) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	h, w := x.Dim(1), x.Dim(2)
	return t.Sequence(x,
		func(x *autograd.Var) *autograd.Var { return f.features(t, x, 3) },
		func(y *autograd.Var) *autograd.Var { return f.head.Forward(t, y) },
		func(y *autograd.Var) *autograd.Var { return t.Resize(out(t, y), h, w) })
}

// ForwardAux is Forward with the auxiliary head's logits.
func (f *FCN) ForwardAux(t *autograd.Tape, x *autograd.Var) (logits, aux *autograd.Var) {
	h, w := x.Dim(1), x.Dim(2)
	third := f.features(t, x, 2)
	if f.aux != nil {
		aux = t.Scope(func() *autograd.Var { return t.Resize(out(t, f.aux.Forward(t, third)), h, w) })
	}
	logits = t.Scope(func() *autograd.Var {
		leave := t.Enter("backbone")
		y := f.backbone.stages[3].Forward(t, third)
		leave()
		return t.Resize(out(t, f.head.Forward(t, y)), h, w)
	})
	return logits, aux
}

// features is the result of a stage of the backbone.
func (f *FCN) features(t *autograd.Tape, x *autograd.Var, stage int) *autograd.Var {
	defer t.Enter("backbone")()
	return f.backbone.forward(t, x, stage)
}

// Stages are the backbone's layer1 to layer4.
func (f *FCN) Stages() []string { return backboneStages() }

func backboneStages() []string {
	return []string{"backbone.layer1", "backbone.layer2", "backbone.layer3", "backbone.layer4"}
}
