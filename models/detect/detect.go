// Package detect takes a picture from its pixels to a calibrated verdict: it cuts the views that a detector
// was trained on, runs the model, averages, calibrates, and gathers the maps that explain the score.
package detect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/models/explain"
	"truegrain/nn/card"
	"truegrain/tensor/picture"
)

// Detector is a model with its card, ready on a backend. Scores come from a frozen model, explanations from a
// tape over the model itself. It serves many goroutines, as long as nobody trains the model.
type Detector struct {
	Name   string
	Model  models.Model
	Card   *card.Card
	be     kernels.Backend
	pool   *autograd.Pool
	scorer scorer

	companion *Detector // draws the pixel map, if the card names one
}

// New puts a model and its card together. The first score freezes the model: what changes its weights
// afterwards has no effect on scores until Close.
func New(be kernels.Backend, name string, m models.Model, c *card.Card) *Detector {
	return &Detector{Name: name, Model: m, Card: c, be: be, pool: autograd.NewPool(be),
		scorer: scorer{how: kernels.Fast}}
}

// Verdict is what one detector says of one picture.
type Verdict struct {
	Detector string        `json:"detector"`
	View     View          `json:"view"`
	Views    int           `json:"views"` // how many were averaged
	Raw      float64       `json:"raw"`   // mean p(photograph) before calibration
	AI       float64       `json:"ai"`    // calibrated p(AI-generated)
	Lean     Lean          `json:"lean"`
	Band     [2]float64    `json:"band"`
	Interval *[2]float64   `json:"interval,omitempty"` // 95 %, of test pictures that scored alike
	Time     time.Duration `json:"-"`
	Seconds  float64       `json:"seconds"`
	Method   string        `json:"method"` // how the score was computed: "fast (Winograd 4x4)"
	Maps     []Map         `json:"-"`
}

// Map is one explanation over the whole picture, with the fixed end of its scale.
type Map struct {
	Name string // "grad_cam_ai": a key for files and scales
	explain.Layer
}

// Options says what Analyze does. The zero View is the card's.
type Options struct {
	View View
	Maps bool
	// Only keeps the maps of these names; nil keeps all.
	Only []string
	// Attention asks a transformer for the attention of single layers and heads as well.
	Attention []Head
	// Cells bounds the cells of a map; 0 is 4 Mi, a cell for each pixel of most pictures.
	Cells int
}

// Head names a layer, from 0, and one of its heads, or explain.AllHeads for their mean.
type Head struct{ Layer, Head int }

// name is the map's name: "attention_l3_h0".
func (h Head) name() string {
	if h.Head == explain.AllHeads {
		return fmt.Sprintf("attention_l%d", h.Layer)
	}
	return fmt.Sprintf("attention_l%d_h%d", h.Layer, h.Head)
}

// Analyze scores a picture and, if asked, explains the score.
func (d *Detector) Analyze(ctx context.Context, p *picture.Picture, o Options) (*Verdict, error) {
	start := time.Now()
	if o.Maps {
		return d.analyzeMaps(ctx, p, o, start)
	}
	a := d.ScoreAll(ctx, []Ask{{ctx, p, o.View}})[0]
	if a.Err != nil {
		return nil, a.Err
	}
	return d.Verdict(a, time.Since(start)), nil
}

// analyzeMaps is Analyze with maps. A full view's score comes from the pass that they are read from.
func (d *Detector) analyzeMaps(ctx context.Context, p *picture.Picture, o Options, start time.Time) (
	*Verdict, error) {
	maps, raw, err := d.Explain(ctx, p, o)
	if err != nil {
		return nil, err
	}
	a := Answer{View: d.view(o.View), Views: 1, Raw: raw}
	if a.View != Full {
		if a = d.ScoreAll(ctx, []Ask{{ctx, p, o.View}})[0]; a.Err != nil {
			return nil, a.Err
		}
	}
	v := d.Verdict(a, time.Since(start))
	v.Maps = maps
	return v, nil
}

// view is v, or the card's for none.
func (d *Detector) view(v View) View {
	if v == "" {
		return View(d.Card.View)
	}
	return v
}

// Verdict is what a score means: calibrated, with its lean and, where the card has one, its interval.
func (d *Detector) Verdict(a Answer, took time.Duration) *Verdict {
	v := &Verdict{Detector: d.Name, View: a.View, Views: a.Views, Raw: a.Raw, AI: d.Card.AI(a.Raw),
		Band: d.Card.Band, Time: took, Seconds: took.Seconds(), Method: d.Method()}
	if a.View == Full {
		v.Method = kernels.Exact.String()
	}
	v.Lean = lean(v.AI, v.Band)
	if lo, hi, ok := d.Card.Interval(v.AI); ok {
		v.Interval = &[2]float64{lo, hi}
	}
	return v
}

// Explain reads the maps that o asks for, and the raw score of the pass that they are read from. Errors name
// the detector.
func (d *Detector) Explain(ctx context.Context, p *picture.Picture, o Options) ([]Map, float64, error) {
	views, err := d.patches(p, d.view(o.View))
	var maps []Map
	var raw float64
	if err == nil {
		maps, raw, err = d.explain(ctx, p, views, o)
	}
	if err == nil {
		maps, err = d.withCompanion(ctx, p, o, maps)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", d.Name, err)
	}
	return maps, raw, nil
}

// Takes says why the detector can't do what o asks for, nil if it can. What has no attention leaves heads
// out.
func (d *Detector) Takes(o Options) error {
	if v, ok := d.Model.(*models.ViT); ok {
		layers, heads := v.Heads()
		for _, h := range o.Attention {
			if h.Layer < 0 || h.Layer >= layers || h.Head < explain.AllHeads || h.Head >= heads {
				return fmt.Errorf("%s has no %s: its layers are 0 to %d, their heads 0 to %d", d.Name,
					Title(h.name()), layers-1, heads-1)
			}
		}
	}
	if err := d.takes(d.view(o.View)); err != nil {
		return fmt.Errorf("%s: %w", d.Name, err)
	}
	return nil
}

// takes says why the detector can't look at a view, nil if it can.
func (d *Detector) takes(v View) error {
	if v == Full && d.Model.Kind() == models.Transformer {
		return errors.New("view full: a vision transformer takes one size only; use crop or resize")
	}
	return nil
}

// patches is what the detector sees of a picture.
func (d *Detector) patches(p *picture.Picture, v View) ([]patch, error) {
	if err := d.takes(v); err != nil {
		return nil, err
	}
	return patches(p, v, d.Card.Size)
}
