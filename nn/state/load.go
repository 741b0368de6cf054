package state

import (
	"fmt"
	"slices"
	"strings"

	"truegrain/autograd"
	"truegrain/kernels"
)

// Options says what Load may overlook.
type Options struct {
	// ReplaceHead names parameters ("fc.weight", "fc.bias") that keep their fresh values where the file has
	// them in another shape, or not at all: a head of another width. Nothing else is ever left out in
	// silence.
	ReplaceHead []string
	// SkipAux passes over an auxiliary head in the file ("aux_classifier.…") that the model was built
	// without.
	SkipAux bool
	// Only loads the parameters whose names begin with this ("backbone."), from tensors that are called so or
	// the same without it, and passes over everything else in the file: a trunk out of another model.
	Only string
	// Adapt makes values of a parameter's shape out of those of another shape in the file, or is nil where
	// that makes no sense; models.Positions is one.
	Adapt func(p *autograd.Param, shape []int) func(v []float32) []float32
}

// Report is what Load did beside loading everything.
type Report struct {
	Loaded   int
	Replaced []string // parameters that kept their fresh values: ReplaceHead names them, or Only does not
	Adapted  []string // parameters whose values were made out of those of another shape
	Skipped  []string // tensors of the file that were passed over: counters, an auxiliary head
	Prefix   string   // what was cut off the file's names
}

// MismatchError lists everything in which a file and a model differ.
type MismatchError struct {
	Missing    []string // parameters that the file lacks
	Unexpected []string // tensors that the model lacks
	Shapes     []string // "name: file […], model […]"
}

func (e *MismatchError) Error() string {
	var parts []string
	for _, l := range []struct {
		what  string
		names []string
	}{{"missing from the file", e.Missing}, {"unexpected in the file", e.Unexpected},
		{"of another shape", e.Shapes}} {
		if len(l.names) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s: %s", len(l.names), l.what, someOf(l.names)))
		}
	}
	return "the weights do not fit the model; " + strings.Join(parts, "; ")
}

// someOf is a list for a message, which a few names are enough for.
func someOf(names []string) string {
	const most = 10
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s … and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// prefixes are what checkpoints wrap a model's names in.
var prefixes = []string{"resnet50.", "model.", "module.", "state_dict.", "model_state_dict.", "vit.", "fcn."}

// Load copies a file's tensors into parameters, permuting PyTorch's axes into ours. Nothing is changed unless
// all of it fits; what does not fit is listed in one *MismatchError.
func Load(params []*autograd.Param, f *File, o Options) (*Report, error) {
	w, err := Match(params, f, o)
	if err != nil {
		return nil, err
	}
	for _, p := range params {
		if !w.Has(p) {
			continue
		}
		v, err := w.Values(p)
		if err != nil {
			return nil, err
		}
		if err := p.Fill(); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", p.Name, err)
		}
		p.Backend().Upload(p.Value.Buf, kernels.Of(v))
	}
	return &w.Report, nil
}

// Match finds the tensors of parameters in a file, as Load does, and reads none.
func Match(params []*autograd.Param, f *File, o Options) (*Weights, error) {
	want := map[string]*autograd.Param{}
	for _, p := range params {
		if strings.HasPrefix(p.Name, o.Only) {
			want[p.Name] = p
		}
	}
	w := &Weights{Report: Report{Prefix: prefixOf(f, want)}, file: f, from: map[string]string{},
		adapt: map[string]func([]float32) []float32{}}
	bad := &MismatchError{}
	w.match(want, o, bad)
	for _, p := range params {
		switch {
		case !strings.HasPrefix(p.Name, o.Only),
			want[p.Name] != nil && slices.Contains(o.ReplaceHead, p.Name):
			w.Report.Replaced = append(w.Report.Replaced, p.Name)
		case want[p.Name] != nil:
			bad.Missing = append(bad.Missing, p.Name)
		}
	}
	if len(bad.Missing)+len(bad.Unexpected)+len(bad.Shapes) > 0 {
		return nil, bad
	}
	w.Report.Loaded = len(w.from)
	return w, nil
}

// match finds the parameter of each of the file's tensors, and takes it out of those that are still wanted.
func (w *Weights) match(want map[string]*autograd.Param, o Options, bad *MismatchError) {
	f, report := w.file, &w.Report
	for _, name := range f.Names() {
		ours := translate(strings.TrimPrefix(name, report.Prefix))
		if want[ours] == nil && want[o.Only+ours] != nil {
			ours = o.Only + ours
		}
		switch p := want[ours]; {
		case p == nil && (o.Only != "" || strings.HasSuffix(ours, "num_batches_tracked")),
			p == nil && o.SkipAux && strings.HasPrefix(ours, "aux_classifier."):
			report.Skipped = append(report.Skipped, name)
		case p == nil:
			bad.Unexpected = append(bad.Unexpected, quoted(name))
		case !slices.Equal(f.tensors[name].Shape, TorchShape(p)):
			w.misshapen(p, name, o, bad)
			delete(want, ours)
		default:
			w.from[ours] = name
			delete(want, ours)
		}
	}
}

// misshapen deals with a tensor that has another shape than its parameter.
func (w *Weights) misshapen(p *autograd.Param, name string, o Options, bad *MismatchError) {
	shape := w.file.tensors[name].Shape
	if slices.Contains(o.ReplaceHead, p.Name) {
		w.Report.Replaced = append(w.Report.Replaced, p.Name)
		return
	}
	if o.Adapt != nil && p.Layout == autograd.Plain {
		if f := o.Adapt(p, shape); f != nil {
			w.Report.Adapted = append(w.Report.Adapted, p.Name)
			w.from[p.Name], w.adapt[p.Name] = name, f
			return
		}
	}
	bad.Shapes = append(bad.Shapes, fmt.Sprintf("%s: file %v, model %v", p.Name, shape, TorchShape(p)))
}

// prefixOf is the wrapping under which most of the file's names are the model's.
func prefixOf(f *File, want map[string]*autograd.Param) string {
	best, most := "", 0
	for _, prefix := range append([]string{""}, prefixes...) {
		n := 0
		for _, name := range f.Names() {
			if rest, ok := strings.CutPrefix(name, prefix); ok && want[translate(rest)] != nil {
				n++
			}
		}
		if n > most {
			best, most = prefix, n
		}
	}
	return best
}

// translate gives older names their present form: torchvision's first vision transformers called the
// perceptron's layers linear_1 and linear_2.
func translate(name string) string {
	name = strings.Replace(name, ".mlp.linear_1.", ".mlp.0.", 1)
	return strings.Replace(name, ".mlp.linear_2.", ".mlp.3.", 1)
}
