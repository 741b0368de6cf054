package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"truegrain/kernels"
	"truegrain/models/bundled"
	"truegrain/models/detect"
)

// openDetectors opens a device and detectors on it; closeAll gives both back.
func openDetectors(device string, names []string) (detectors []*detect.Detector, closeAll func(), err error) {
	be, err := kernels.Open(device)
	if err != nil {
		return nil, nil, usageError{err}
	}
	if detectors, err = loadDetectors(be, names); err != nil {
		be.Close()
		return nil, nil, err
	}
	return detectors, func() {
		for _, d := range detectors {
			d.Close()
		}
		be.Close()
	}, nil
}

// possible says which detector can't do what is asked for, before a picture is opened.
func possible(detectors []*detect.Detector, o detect.Options) error {
	for _, d := range detectors {
		if err := d.Takes(o); err != nil {
			return usageError{err}
		}
	}
	return nil
}

// exactly makes detectors compute as their models do, if that is asked for.
func exactly(exact bool, detectors []*detect.Detector) {
	for _, d := range detectors {
		if exact {
			d.Exact()
		}
	}
}

// methods says how the scores of these detectors were computed, each way once.
func methods(detectors []*detect.Detector) string {
	var out []string
	for _, d := range detectors {
		if m := d.Method(); m != "" && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	if others := slices.Clone(out); len(others) > 1 { // "fast" says nothing beside "fast (Winograd 4x4)"
		out = slices.DeleteFunc(out, func(m string) bool {
			return slices.ContainsFunc(others, func(o string) bool { return strings.HasPrefix(o, m+" (") })
		})
	}
	if len(out) == 0 || slices.Equal(out, []string{kernels.Exact.String()}) {
		return ""
	}
	return "Computed " + strings.Join(out, ", ") +
		": raw scores within 1e-5 of the exact ones in our tests; --exact does without."
}

// loadDetectors opens the named detectors, or all bundled ones by kind.
func loadDetectors(be kernels.Backend, names []string) ([]*detect.Detector, error) {
	all := len(names) == 0
	if all {
		names = bundled.Names()
	}
	if len(names) == 0 {
		return nil, errors.New("no detector is bundled with this build; train one and name it with --model")
	}
	var out []*detect.Detector
	for _, n := range names {
		d, err := detect.Load(be, n)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, usageError{err}
		}
		if err != nil {
			return nil, err
		}
		d.Name = another(d.Name, out)
		out = append(out, d)
	}
	if all {
		slices.SortStableFunc(out, func(a, b *detect.Detector) int {
			return int(a.Model.Kind()) - int(b.Model.Kind())
		})
	}
	return out, nil
}

// another is a name that no detector has yet: two checkpoints in two folders may be called alike.
func another(name string, taken []*detect.Detector) string {
	is := func(d *detect.Detector) bool { return d.Name == name }
	for n, first := 2, name; slices.ContainsFunc(taken, is); n++ {
		name = fmt.Sprintf("%s-%d", first, n)
	}
	return name
}
