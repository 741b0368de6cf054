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
	// ReplaceHead names parameters ("fc.weight", "fc.bias") that keep their fresh values where the file has them in
	// another shape, or not at all: a head of another width. Nothing else is ever left out in silence.
	ReplaceHead []string
	// SkipAux passes over an auxiliary head in the file ("aux_classifier.…") that the model was built without.
	SkipAux bool
}

// Report is what Load did beside loading everything.
type Report struct {
	Loaded   int
	Replaced []string // parameters that kept their fresh values because ReplaceHead names them
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
	}{{"missing from the file", e.Missing}, {"unexpected in the file", e.Unexpected}, {"of another shape", e.Shapes}} {
		if len(l.names) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s: %s", len(l.names), l.what, strings.Join(l.names, ", ")))
		}
	}
	return "the weights do not fit the model; " + strings.Join(parts, "; ")
}

// prefixes are what checkpoints wrap a model's names in.
var prefixes = []string{"resnet50.", "model.", "module.", "state_dict.", "model_state_dict.", "vit.", "fcn."}

// Load copies a file's tensors into parameters, permuting PyTorch's axes into ours. Nothing is changed unless all of
// it fits; what does not fit is listed in one *MismatchError.
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
		want[p.Name] = p
	}
	w := &Weights{Report: Report{Prefix: prefixOf(f, want)}, file: f, from: map[string]string{}}
	report := &w.Report
	bad := &MismatchError{}
	for _, name := range f.Names() {
		ours := translate(strings.TrimPrefix(name, report.Prefix))
		switch p := want[ours]; {
		case p == nil && (strings.HasSuffix(ours, "num_batches_tracked") || o.SkipAux && strings.HasPrefix(ours, "aux_classifier.")):
			report.Skipped = append(report.Skipped, name)
		case p == nil:
			bad.Unexpected = append(bad.Unexpected, quoted(name))
		case !slices.Equal(f.tensors[name].Shape, TorchShape(p)):
			if slices.Contains(o.ReplaceHead, ours) {
				report.Replaced = append(report.Replaced, ours)
				delete(want, ours)
				continue
			}
			bad.Shapes = append(bad.Shapes, fmt.Sprintf("%s: file %v, model %v", ours, f.tensors[name].Shape, TorchShape(p)))
			delete(want, ours)
		default:
			w.from[ours] = name
			delete(want, ours)
		}
	}
	for _, p := range params {
		if want[p.Name] == nil {
			continue
		}
		if slices.Contains(o.ReplaceHead, p.Name) {
			report.Replaced = append(report.Replaced, p.Name)
			continue
		}
		bad.Missing = append(bad.Missing, p.Name)
	}
	if len(bad.Missing)+len(bad.Unexpected)+len(bad.Shapes) > 0 {
		return nil, bad
	}
	report.Loaded = len(w.from)
	return w, nil
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

// translate gives older names their present form: torchvision's first vision transformers called the perceptron's
// layers linear_1 and linear_2.
func translate(name string) string {
	name = strings.Replace(name, ".mlp.linear_1.", ".mlp.0.", 1)
	return strings.Replace(name, ".mlp.linear_2.", ".mlp.3.", 1)
}
