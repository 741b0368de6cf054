package models

import (
	"truegrain/kernels"
	"truegrain/tensor"
)

// Layer is a step of a frozen model, for inspection.
type Layer struct {
	Path   string       // the layer of the model: "layer4.2.conv1"
	Op     kernels.Op   // its op, on Images pictures; its buffers have no memory
	Shape  tensor.Shape // of its result for the whole batch
	Images int
	Runs   int // how often it runs for a batch
}

// Method is how the layer's op is computed with its packed weights; empty if it has none.
func (l Layer) Method() string {
	if e := epilogueOf(l.Op); e != nil && *e.packed != nil {
		return (*e.packed).Method()
	}
	return ""
}

// Layers lists the steps of the model. One run does those of Ops, in which a layer may come more than once.
func (f *Frozen) Layers() []Layer { return f.layers }

// layers are the steps, before they are written out for a batch.
func (g *graph) layers(batch int) []Layer {
	var out []Layer
	for _, s := range g.steps {
		runs := batch / max(1, s.images)
		out = append(out, Layer{Path: s.path, Op: s.op, Shape: s.shape, Images: s.images, Runs: runs})
	}
	return out
}
