package models

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"truegrain/kernels"
	"truegrain/nn"
)

// ErrUnknown says that no architecture has the name asked for.
var ErrUnknown = errors.New("no such model")

// Config sets what an architecture leaves open. The zero value is a detector with one output, seed 0.
type Config struct {
	// Classes is the number of outputs; 0 means 1, the logit of "photograph".
	Classes int
	// Size is the model's InputSize; 0 means the architecture's own. A vision transformer's is a whole number
	// of patches, and its position embeddings are those of this size (Positions fits others to it).
	Size int
	// Seed gives the initial weights.
	Seed uint64
	// Aux adds the auxiliary head of fcn_resnet50; for other architectures, which have none, it is an error.
	Aux bool
	// NoDropout turns off the dropout of fcn_resnet50's heads.
	NoDropout bool
	// Empty leaves all weights zero, for weights that are loaded next.
	Empty bool
}

// architectures is every model that New can build.
var architectures = []struct {
	name  string
	build func(b *nn.Builder, m model, c Config) Model
}{
	{"resnet18", resnet(resnet18, 224)},
	{"resnet34", resnet(resnet34, 224)},
	{"resnet50", resnet(resnet50, 224)},
	{"resnet101", resnet(resnet101, 224)},
	{"fcn_resnet50", fcn(resnet50, 224)},
	{"fcn8s_resnet50", fcn8s(resnet50, 224)},
	{"vit_b_16", vit(vitB16)},
	{"vit_l_16", vit(vitL16)},
	{"vit_mini", vit(vitMini)},
	{"resnet_mini", resnet(resnetMini, 64)},
	{"fcn8s_mini", fcn8s(resnetMini, 64)},
	{"vit_mini_8", vit(vitMini8)},
}

// List names the architectures.
func List() []string {
	names := make([]string, len(architectures))
	for i, a := range architectures {
		names[i] = a.name
	}
	return names
}

// New builds a model with fresh weights. The error wraps ErrUnknown, or kernels.ErrOutOfMemory.
func New(be kernels.Backend, name string, c Config) (Model, error) {
	b := nn.NewBuilder(be, c.Seed)
	if c.Empty {
		b.Empty()
	}
	return build(b, name, c)
}

func build(b *nn.Builder, name string, c Config) (Model, error) {
	i := slices.Index(List(), name)
	if i < 0 {
		return nil, fmt.Errorf("%w: %q; there are %s", ErrUnknown, name, strings.Join(List(), ", "))
	}
	if c.Classes < 0 {
		return nil, fmt.Errorf("model %s: %d classes; want 1 (the logit of photograph) or 2 (AI, photograph)",
			name, c.Classes)
	}
	if c.Aux && name != "fcn_resnet50" {
		return nil, fmt.Errorf("model %s has no auxiliary head; fcn_resnet50 has", name)
	}
	if c.Size < 0 {
		return nil, fmt.Errorf("model %s: size %d; want a number of pixels, or 0 for its own", name, c.Size)
	}
	c.Classes = max(c.Classes, 1)
	m := architectures[i].build(b, model{name: name, classes: c.Classes, inputSize: c.Size}, c)
	if err := b.Err(); err != nil {
		return nil, fmt.Errorf("model %s: %w", name, err)
	}
	return m, nil
}
