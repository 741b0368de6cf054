package web

import (
	"context"

	"truegrain/models/detect"
	"truegrain/nn/card"
)

// Model is a detector with its card.
type Model struct {
	Name       string     `json:"name"`
	Kind       string     `json:"kind" enum:"convolutional,segmenter,transformer"`
	Parameters int        `json:"parameters"`
	Maps       []string   `json:"maps" doc:"Maps that it has"`
	Method     string     `json:"method" doc:"How scores are computed"`
	Card       *card.Card `json:"card" doc:"Origin, calibration, accuracy on unseen pictures"`
}

type modelsOutput struct {
	Body struct {
		Models []Model `json:"models"`
	}
}

func (s *Server) listModels(context.Context, *struct{}) (*modelsOutput, error) {
	out := &modelsOutput{}
	out.Body.Models = s.models()
	return out, nil
}

func (s *Server) models() (out []Model) {
	for _, d := range s.engine.Detectors {
		out = append(out, Model{Name: d.Name, Kind: d.Model.Kind().String(), Parameters: parameters(d),
			Maps: detect.MapNames(d.Model), Method: d.Method(), Card: d.Card})
	}
	return out
}

func parameters(d *detect.Detector) (n int) {
	for _, p := range d.Model.Params() {
		if !p.Buffer {
			n += p.Value.Len()
		}
	}
	return n
}

// layersInput names a detector.
type layersInput struct {
	Name string `path:"name" maxLength:"300"`
}

// Layer is one step of a model as it serves.
type Layer struct {
	Path   string `json:"path" doc:"The layer of the model, such as layer4.2.conv1"`
	Op     string `json:"op"`
	Method string `json:"method,omitempty" doc:"How it is computed with packed weights"`
	Shape  []int  `json:"shape" doc:"Of its result for the whole batch"`
	FLOPs  int64  `json:"flops" doc:"Of the whole batch"`
	Bytes  int64  `json:"bytes" doc:"Read and written for the whole batch"`
}

type layersOutput struct {
	Body struct {
		Detector string  `json:"detector"`
		Batch    int     `json:"batch" doc:"Views scored at once"`
		Layers   []Layer `json:"layers"`
	}
}

func (s *Server) listLayers(_ context.Context, in *layersInput) (*layersOutput, error) {
	i, err := s.engine.Index(unescaped(in.Name))
	if err != nil {
		return nil, s.problem(err)
	}
	d := s.engine.Detectors[i]
	layers, err := d.Layers()
	if err != nil {
		return nil, s.problem(err)
	}
	out := &layersOutput{}
	out.Body.Detector, out.Body.Layers = d.Name, []Layer{}
	for _, l := range layers {
		c := l.Op.Cost()
		out.Body.Batch = max(out.Body.Batch, l.Images*l.Runs)
		out.Body.Layers = append(out.Body.Layers, Layer{Path: l.Path, Op: l.Op.Stem(), Method: l.Method(),
			Shape: l.Shape, FLOPs: c.FLOPs * int64(l.Runs), Bytes: c.Bytes * int64(l.Runs)})
	}
	return out, nil
}
