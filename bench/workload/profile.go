package workload

import (
	"truegrain/autograd"
	"truegrain/bench/profile"
	"truegrain/kernels"
)

// Profile runs a spec once, behind one run that warms up, and gives every op of it.
func Profile(be kernels.Backend, s Spec) ([]profile.Event, error) {
	r := profile.Record(be)
	w, err := Open(r, s)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	if err := w.Run(); err != nil {
		return nil, err
	}
	var nodes []*autograd.Node
	w.nodes = func(n []*autograd.Node) { nodes = n }
	r.Start()
	err = w.Run()
	r.Stop()
	if err != nil {
		return nil, err
	}
	var layers []profile.Layer
	for _, n := range nodes {
		if n.Op != nil {
			layers = append(layers, profile.Layer{Op: n.Op, Path: n.Path})
		}
	}
	if w.frozen != nil {
		for _, l := range w.frozen.Layers() {
			layers = append(layers, profile.Layer{Op: l.Op, Path: l.Path})
		}
		return r.Events(layers, nil), nil
	}
	return r.Events(layers, w.model.Params()), nil
}
