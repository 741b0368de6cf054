package profile

import (
	"reflect"
	"strings"
	"time"

	"truegrain/autograd"
	"truegrain/bench/kernel"
	"truegrain/kernels"
)

// Event is one op of a run: when, since the run began, for how long, in which layer.
type Event struct {
	kernel.Made
	Layer       string
	Start, Took time.Duration
}

// GFLOPs is the rate of operations, 0 for an op without any.
func (e Event) GFLOPs() float64 {
	if e.Took <= 0 {
		return 0
	}
	return float64(e.Cost.FLOPs) / e.Took.Seconds() / 1e9
}

// Layer is an op of a model, with sizes and maybe with buffers, and the layer that runs it.
type Layer struct {
	Op   kernels.Op
	Path string
}

// Events are the calls that were noted. ops are those of the model, in order, and name the layers; params
// name the steps of an optimiser.
func (r *Recorder) Events(ops []Layer, params []*autograd.Param) []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Event, len(r.calls))
	layers := layersOf(ops, params)
	for i, c := range r.calls {
		out[i] = Event{kernel.Explain(c.args), layers.of(c.args), c.start.Sub(r.calls[0].start), c.took}
	}
	return out
}

// layers finds the layer of a call. A tape's own calls have the very structs of its nodes, and backward calls
// have them inside. Of a frozen model it is the next layer with the same op and sizes; layers that run
// picture by picture come again.
type layers struct {
	exact map[any]string
	alike map[string][]string
	param map[uintptr]string
}

func layersOf(ops []Layer, params []*autograd.Param) layers {
	l := layers{map[any]string{}, map[string][]string{}, map[uintptr]string{}}
	for _, p := range params {
		l.param[p.Value.Buf.Addr()] = p.Name
	}
	for _, o := range ops {
		if reflect.ValueOf(o.Op).Comparable() {
			l.exact[o.Op] = o.Path
		}
		k := likeness(o.Op)
		l.alike[k] = append(l.alike[k], o.Path)
	}
	return l
}

func (l layers) of(args any) string {
	switch step := args.(type) {
	case kernels.SGD:
		return l.param[step.P.Addr()]
	case kernels.Adam:
		return l.param[step.P.Addr()]
	}
	v := reflect.ValueOf(args)
	if v.Comparable() {
		if path, ok := l.exact[args]; ok {
			return path
		}
	}
	if forward := v.Field(0); forward.Kind() == reflect.Struct && forward.Comparable() {
		if path, ok := l.exact[forward.Interface()]; ok {
			return path
		}
	}
	k := likeness(args)
	paths := l.alike[k]
	if len(paths) == 0 {
		return ""
	}
	l.alike[k] = append(paths[1:len(paths):len(paths)], paths[0])
	return paths[0]
}

// likeness is an op with its sizes, without what is fused to it.
func likeness(args any) string {
	c := kernel.Explain(args)
	sizes, _, _ := strings.Cut(c.Shape, "+")
	return c.Name() + " " + sizes
}
