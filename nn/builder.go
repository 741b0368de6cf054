package nn

import (
	"fmt"
	"slices"
	"strings"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/tensor"
)

// Builder registers the parameters of a model, in order, under dotted names. Its errors stick: after the
// first one it hands out parameters without memory, and Err says what happened.
type Builder struct {
	*registry
	path string
}

// registry is what all scopes of one model share.
type registry struct {
	be     kernels.Backend
	seed   uint64
	empty  bool
	hollow bool
	names  map[string]bool
	params []*autograd.Param
	err    error
}

// NewBuilder starts a model on a backend. Its initial values are those of the seed.
func NewBuilder(be kernels.Backend, seed uint64) *Builder {
	return &Builder{registry: &registry{be: be, seed: seed, names: map[string]bool{}}}
}

// Empty leaves all parameters zero, for a model whose weights come from a file. It returns b.
func (b *Builder) Empty() *Builder {
	b.empty = true
	return b
}

// Hollow gives parameters a shape but no values. It returns b.
func (b *Builder) Hollow() *Builder {
	b.hollow = true
	return b
}

// In is the child scope called name: In("layer1").In("0") registers "layer1.0.…".
func (b *Builder) In(name string) *Builder { return &Builder{b.registry, b.join(name)} }

// Name is the last part of the scope's path, what a layer enters on the tape.
func (b *Builder) Name() string { return b.path[strings.LastIndexByte(b.path, '.')+1:] }

// Params is everything registered so far, in order, buffers included.
func (b *Builder) Params() []*autograd.Param { return slices.Clone(b.params) }

// Err is the first error: the backend's memory has run out, or that of Fail.
func (b *Builder) Err() error { return b.err }

// Fail says that the model can't be built as it is asked for.
func (b *Builder) Fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// Param registers a parameter called name in the scope.
//
// Panics: *kernels.ArgError if the name is taken.
func (b *Builder) Param(name string, layout autograd.Layout, init Init, shape ...int) *autograd.Param {
	full := b.join(name)
	if b.names[full] {
		panic(&kernels.ArgError{Op: "nn.Builder", Field: full, Reason: "is registered already"})
	}
	b.names[full] = true
	p := &autograd.Param{Name: full}
	if b.hollow {
		p = autograd.NewHollowParam(b.be, full, layout, shape...)
	} else if b.err == nil {
		fresh, err := autograd.NewParam(b.be, full, layout, shape...)
		if err != nil {
			b.err = fmt.Errorf("parameter %s %v: %w", full, shape, err)
		} else {
			p = fresh
			b.fill(p, init)
		}
	}
	b.params = append(b.params, p)
	return p
}

// Buffer registers state that no optimiser touches.
func (b *Builder) Buffer(name string, init Init, shape ...int) *autograd.Param {
	p := b.Param(name, autograd.Plain, init, shape...)
	p.Buffer = true
	return p
}

func (b *Builder) fill(p *autograd.Param, init Init) {
	if b.empty {
		return
	}
	values := make([]float32, p.Value.Len())
	init(NewStream(b.seed, p.Name), values, p.Value.Shape())
	b.be.Upload(p.Value.Buf, tensor.FromSlice(values, p.Value.Len()).Buf)
}

func (b *Builder) join(name string) string {
	if b.path == "" {
		return name
	}
	return b.path + "." + name
}
