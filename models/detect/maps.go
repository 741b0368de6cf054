package detect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"truegrain/models"
	"truegrain/models/explain"
	"truegrain/tensor"
	"truegrain/tensor/picture"
)

// titles are the names of the maps for people.
var titles = map[string]string{
	"cam":                        "CAM",
	"grad_cam_ai":                "Grad-CAM, why AI",
	"grad_cam_photograph":        "Grad-CAM, why photograph",
	"gradient":                   "Gradient",
	"guided_ai":                  "Guided backprop., why AI",
	"guided_photograph":          "Guided backprop., why photograph",
	"guided_grad_cam_ai":         "Guided Grad-CAM, why AI",
	"guided_grad_cam_photograph": "Guided Grad-CAM, why photograph",
	"pixel_map":                  "Pixel map",
	"rollout":                    "Attention rollout",
	"attention_last":             "Attention, last layer",
}

// MapNames lists the maps that a model has.
func MapNames(m models.Model) []string {
	var names []string
	for _, me := range methods(m) {
		names = append(names, me.names()...)
	}
	return names
}

// wanted says whether a map is asked for.
func (o Options) wanted(name string) bool {
	return o.Only == nil || slices.Contains(o.Only, name) ||
		slices.ContainsFunc(o.Attention, func(h Head) bool { return h.name() == name })
}

// chosen is the methods that the wanted maps come from.
func (d *Detector) chosen(o Options) (out []method) {
	for _, m := range methods(d.Model) {
		if slices.ContainsFunc(m.names(), o.wanted) {
			out = append(out, m)
		}
	}
	if len(o.Attention) > 0 && d.Model.Kind() == models.Transformer {
		out = append(out, heads(o.Attention))
	}
	return out
}

// explain reads every wanted map from one pass over each batch of views, and stitches the maps. The raw score
// comes from the same passes.
func (d *Detector) explain(ctx context.Context, p *picture.Picture, views []patch, o Options) (
	[]Map, float64, error) {
	chosen := d.chosen(o)
	cover, sheets := newCoverage(p.W, p.H, views, o.Cells), map[string]*sheet{}
	var score float64
	err := d.batches(views, func(batch []patch, x tensor.Tensor) error {
		s := explain.Subject{Backend: d.be, Model: d.Model, X: x, Pool: d.pool}
		return s.Pass(ctx, wants(chosen), func(pass *explain.Pass) error {
			l := &look{Pass: pass, model: d.Model}
			for _, m := range chosen {
				maps, err := m.run(l)
				if err != nil {
					return fmt.Errorf("%s: %w", m.names()[0], err)
				}
				for i, name := range m.names() {
					if o.wanted(name) {
						cover.stitch(sheets, name, maps[i], batch)
					}
				}
			}
			photograph, err := d.Model.Probability(pass.Tape(), pass.Output()).Values()
			for _, v := range photograph {
				score += float64(v)
			}
			return err
		})
	})
	if err != nil {
		return nil, 0, err
	}
	d.inCrops(o.View, cover, sheets)
	return d.finished(chosen, cover, sheets), score / float64(len(views)), nil
}

// finished is the sheets as maps, in the order of their methods.
func (d *Detector) finished(chosen []method, cover *coverage, sheets map[string]*sheet) (out []Map) {
	seen := cover.seen()
	for _, m := range chosen {
		for _, name := range m.names() {
			if s := sheets[name]; s != nil {
				out = append(out, Map{name, explain.Layer{Title: Title(name), Kind: s.kind, H: cover.h,
					W: cover.w, Seen: seen, Values: s.values, Max: d.scale(name)}})
			}
		}
	}
	return out
}

// Title is what people read instead of a map's name.
func Title(name string) string {
	if t, ok := titles[name]; ok {
		return t
	}
	return strings.NewReplacer("attention_l", "Attention, layer ", "_h", ", head ").Replace(name)
}

// scale is the fixed end of a map's colours; single layers and heads share that of the last layer.
func (d *Detector) scale(name string) float64 {
	if v, ok := d.Card.Scales[name]; ok {
		return v
	}
	if strings.HasPrefix(name, "attention_l") {
		return d.Card.Scales["attention_last"]
	}
	return 0
}
