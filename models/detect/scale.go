package detect

import (
	"context"
	"math"
	"strings"

	"truegrain/models/explain"
	"truegrain/tensor/picture"
)

// scaleShare is the share of all map values, over the pictures a scale is fitted on, that lie below its end.
const scaleShare = 0.995

// inCrops puts the gradients of a full view on the scale of crops. A score is a mean over its view: seen as
// one view, a picture as large as k crops has a k-th of a crop's gradient at every place, and colours whose
// scale was fitted on crops would show nothing.
func (d *Detector) inCrops(v View, c *coverage, sheets map[string]*sheet) {
	if d.view(v) != Full || View(d.Card.View) == Full {
		return
	}
	crops := float64(c.pw) * float64(c.ph) / float64(d.Card.Size*d.Card.Size)
	for name, s := range sheets {
		factor := float32(math.Pow(crops, float64(gradients(name))))
		for i := range s.values {
			s.values[i] *= factor
		}
	}
}

// gradients is how many gradients are multiplied in a map.
func gradients(name string) int {
	switch {
	case strings.HasPrefix(name, "guided_grad_cam"):
		return 2
	case strings.HasPrefix(name, "grad"), strings.HasPrefix(name, "guided"):
		return 1
	}
	return 0
}

// FitScales sets the fixed ends of the maps' colours from some pictures, once for a detector; from then on
// every picture is drawn on the same scale. Maps that belong together (why AI, why photograph) share one.
func (d *Detector) FitScales(ctx context.Context, pictures []*picture.Picture) error {
	all := map[string][]float32{}
	for _, p := range pictures {
		v, err := d.Analyze(ctx, p, Options{Maps: true})
		if err != nil {
			return err
		}
		for _, m := range v.Maps {
			all[m.Name] = append(all[m.Name], m.Values...)
		}
	}
	d.Card.Scales = map[string]float64{}
	for _, me := range methods(d.Model) {
		for _, family := range me.families {
			var values []float32
			for _, name := range family {
				values = append(values, all[name]...)
			}
			for _, name := range family {
				d.Card.Scales[name] = explain.Strongest(values, scaleShare)
			}
		}
	}
	return nil
}
