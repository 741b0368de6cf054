package train

import (
	"slices"
	"strings"

	"truegrain/autograd"
	"truegrain/tensor"
	"truegrain/train/data"
)

// Rehearsal is what a step of a model takes, from shapes alone: nothing is computed.
type Rehearsal struct {
	Output    []int // shape
	Parts     []Part
	Weights   int64 // bytes, with buffers
	Gradients int64 // bytes
	State     int64 // bytes, of the optimiser
	Values    int64 // bytes that the forward pass keeps for the backward
	Learning  int   // elements that the optimiser moves
	FLOPs     int64 // of one forward pass
}

// Part is one stage of the model, or a layer outside of them, with the shape of its result.
type Part struct {
	Path  string
	Shape []int
	FLOPs int64
}

// Total is how many bytes a step needs at least.
func (r *Rehearsal) Total() int64 { return r.Weights + r.Gradients + r.State + r.Values }

// Rehearse goes through one step of a loop's model, loss and optimiser on kernels.Paper. stages are names
// inside the model.
func Rehearse(l *Loop, stages []string, batch, size int) (*Rehearsal, error) {
	r := &Rehearsal{}
	for _, p := range l.Model.Params() {
		n := int64(p.Value.Buf.Bytes())
		r.Weights += n
		if !p.Buffer && !p.Frozen {
			r.Gradients += n
			r.Learning += p.Value.Len()
		}
	}
	for _, p := range l.Optimizer.State() {
		r.State += int64(p.Value.Buf.Bytes())
	}
	pool := autograd.NewDryPool()
	opts := []autograd.Option{autograd.WithGrad(), autograd.WithTrain(), autograd.WithPool(pool),
		autograd.WithWatch(func(n *autograd.Node) { r.add(n, stages) })}
	if l.Recompute {
		opts = append(opts, autograd.WithRecompute())
	}
	t := autograd.NewTape(l.Backend, opts...)
	b := &data.Batch{X: tensor.FromSlice(make([]float32, batch*size*size*3), batch, size, size, 3),
		Label: make([]int32, batch)}
	if err := tensor.Catch(func() {
		out, _, _ := l.Loss.forward(t, l.Model, b)
		r.Output = out.Shape()
	}); err != nil {
		return nil, err
	}
	r.Values = pool.Peak()
	return r, nil
}

// add counts a node to the part that it lies in.
func (r *Rehearsal) add(n *autograd.Node, stages []string) {
	r.FLOPs += n.Cost().FLOPs
	if n.Path == "" {
		return // the loss
	}
	path := n.Path
	within := func(s string) bool { return path == s || strings.HasPrefix(path, s+".") }
	if i := slices.IndexFunc(stages, within); i >= 0 {
		path = stages[i]
	}
	if len(r.Parts) == 0 || r.Parts[len(r.Parts)-1].Path != path {
		r.Parts = append(r.Parts, Part{Path: path})
	}
	p := &r.Parts[len(r.Parts)-1]
	p.FLOPs += n.Cost().FLOPs
	p.Shape = n.Out.Shape()
}
