package models

import (
	"reflect"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/tensor"
)

// step is one op of a traced forward and the buffer that it is for.
type step struct {
	op     kernels.Op
	out    kernels.Buf
	path   string             // of the layer
	shape  tensor.Shape       // of out
	norm   *kernels.BatchNorm // that is to be folded into the weights
	images int                // how many pictures of the batch it takes at once
	layer  int                // its place before the steps are written out for a batch
}

// graph is a traced forward. Its values lie at addresses of a dry pool, none used twice, so that an address
// says which value is meant; weights are where they are.
type graph struct {
	steps  []step
	x, y   kernels.Buf
	fixed  map[uintptr]bool // addresses of weights
	values []value          // of a whole batch
}

// trace takes the steps from what a tape has recorded.
func trace(t *autograd.Tape, x, y kernels.Buf, params []*autograd.Param) *graph {
	g := &graph{x: x, y: y, fixed: map[uintptr]bool{}}
	for _, p := range params {
		g.fixed[p.Value.Buf.Addr()] = true
	}
	for _, n := range t.Nodes() {
		if n.Op != nil {
			g.steps = append(g.steps, step{op: forInference(n.Op), out: n.Out.Buf, path: n.Path,
				shape: n.Out.Shape()})
		}
	}
	return g
}

// forInference drops what an op writes for a backward only.
func forInference(op kernels.Op) kernels.Op {
	switch o := op.(type) {
	case kernels.Attention:
		o.LSE = kernels.Buf{}
		return o
	case kernels.MaxPool2D:
		o.Index = kernels.Buf{}
		return o
	}
	return op
}

// operands lists the buffers of an op that are not weights.
func (g *graph) operands(op kernels.Op) (values []kernels.Buf) {
	mapBufs(op, func(b kernels.Buf) kernels.Buf {
		if !b.IsZero() && !g.fixed[b.Addr()] {
			values = append(values, b)
		}
		return b
	})
	return values
}

// onlyReader says that out is read in one field of one step, and is not the result.
func (g *graph) onlyReader(out kernels.Buf) bool {
	if g.y.Overlaps(out) {
		return false
	}
	n := 0
	for _, s := range g.steps {
		for _, b := range g.operands(s.op) {
			if b.Overlaps(out) && b.Addr() != s.out.Addr() {
				n++
			}
		}
	}
	return n == 1
}

// packing is how the weights of a step are packed: as the model's, but heads and projections on shortcuts are
// not rounded to bfloat16 (WithPacking says why), unless their results are.
func (g *graph) packing(s step, how kernels.Packing) kernels.Packing {
	head := s.shape[len(s.shape)-1] <= headWidth
	if how == kernels.BFloat16 && s.out.DType() == g.x.DType() && (head || g.shortcut(s)) {
		return kernels.Fast
	}
	return how
}

// headWidth is the most outputs of what counts as a head.
const headWidth = 16

// shortcut says that the result of a step enters a sum as the residual of another, and is itself none.
func (g *graph) shortcut(s step) bool {
	e := epilogueOf(s.op)
	if e == nil || *e.act != kernels.NoActivation || !e.residual.IsZero() {
		return false
	}
	for _, other := range g.steps {
		if o := epilogueOf(other.op); o != nil && o.residual.Overlaps(s.out) {
			return true
		}
	}
	return false
}

var bufType = reflect.TypeFor[kernels.Buf]()

// mapBufs is the op with f applied to each of its buffers.
func mapBufs(op kernels.Op, f func(kernels.Buf) kernels.Buf) kernels.Op {
	v := reflect.New(reflect.TypeOf(op)).Elem()
	v.Set(reflect.ValueOf(op))
	for i := range v.NumField() {
		field := v.Field(i)
		switch {
		case field.Type() == bufType:
			field.Set(reflect.ValueOf(f(field.Interface().(kernels.Buf))))
		case field.Type() == reflect.SliceOf(bufType):
			old := field.Interface().([]kernels.Buf)
			bufs := make([]kernels.Buf, len(old))
			for j, b := range old {
				bufs[j] = f(b)
			}
			field.Set(reflect.ValueOf(bufs))
		}
	}
	return v.Interface().(kernels.Op)
}
