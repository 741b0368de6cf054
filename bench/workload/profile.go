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
	if nodes == nil { // a frozen model: its layers by a rehearsal of the model that it is from
		t := autograd.NewTape(be, autograd.WithPool(autograd.NewDryPool()))
		size := w.model.InputSize()
		w.model.Forward(t, t.Alloc(s.Batch, size, size, 3))
		nodes = t.Nodes()
	}
	return r.Events(nodes, w.model.Params()), nil
}
