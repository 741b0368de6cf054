package detect

import (
	"context"

	"truegrain/models/explain"
	"truegrain/tensor/picture"
)

// scaleShare is the share of all map values, over the pictures a scale is fitted on, that lie below its end.
const scaleShare = 0.995

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
