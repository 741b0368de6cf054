// Package detect takes a picture from its pixels to a calibrated verdict: it cuts the views that a detector
// was trained on, runs the model, averages, calibrates, and gathers the maps that explain the score.
package detect

import (
	"context"
	"fmt"
	"time"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/models/explain"
	"truegrain/nn/card"
	"truegrain/tensor"
	"truegrain/tensor/picture"
)

// Detector is a model with its card, ready on a backend. It belongs to one goroutine.
type Detector struct {
	Name  string
	Model models.Model
	Card  *card.Card
	be    kernels.Backend
	pool  *autograd.Pool
}

// New puts a model and its card together.
func New(be kernels.Backend, name string, m models.Model, c *card.Card) *Detector {
	return &Detector{Name: name, Model: m, Card: c, be: be, pool: autograd.NewPool(be)}
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
	v := &Verdict{Detector: d.Name, View: o.View, Band: d.Card.Band}
	if v.View == "" {
		v.View = View(d.Card.View)
	}
	if v.View == Full && d.Model.Kind() == models.Transformer {
		return nil, fmt.Errorf("%s: view full: a vision transformer takes one size only; use crop or resize",
			d.Name)
	}
	views, err := patches(p, v.View, d.Card.Size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Name, err)
	}
	if o.Maps {
		v.Maps, v.Raw, err = d.explain(ctx, p, views, o)
	} else {
		v.Raw, err = d.score(ctx, views)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Name, err)
	}
	v.Views, v.AI = len(views), d.Card.AI(v.Raw)
	v.Lean = lean(v.AI, v.Band)
	if lo, hi, ok := d.Card.Interval(v.AI); ok {
		v.Interval = &[2]float64{lo, hi}
	}
	v.Time = time.Since(start)
	v.Seconds = v.Time.Seconds()
	return v, nil
}

// Score is the raw score of a picture, the mean p(photograph) of its views, without verdict or maps.
func (d *Detector) Score(ctx context.Context, p *picture.Picture, v View) (float64, error) {
	views, err := patches(p, v, d.Card.Size)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", d.Name, err)
	}
	return d.score(ctx, views)
}

func (d *Detector) score(ctx context.Context, views []patch) (float64, error) {
	var sum float64
	err := d.batches(views, func(batch []patch, x tensor.Tensor) error {
		t := autograd.NewTape(d.be, autograd.WithContext(ctx), autograd.WithPool(d.pool))
		defer t.Reset()
		var p []float32
		var err error
		if bad := tensor.Catch(func() {
			p, err = d.Model.Probability(t, d.Model.Forward(t, t.Const(x))).Values()
		}); bad != nil {
			return bad
		}
		for _, v := range p {
			sum += float64(v)
		}
		return err
	})
	return sum / float64(len(views)), err
}

// batchPixels is how many pixels go through a model at once: enough to fill every core, few enough for the
// cache.
const batchPixels = 2 * 224 * 224

// batches hands the views to f on the backend, some at a time.
func (d *Detector) batches(views []patch, f func([]patch, tensor.Tensor) error) error {
	each := max(1, batchPixels/max(1, views[0].view.W*views[0].view.H))
	for len(views) > 0 {
		batch := views[:min(each, len(views))]
		views = views[len(batch):]
		pics := make([]*picture.Picture, len(batch))
		for i, p := range batch {
			pics[i] = p.view
		}
		host := picture.Batch(pics, d.Card.Mean, d.Card.Std)
		buf, err := d.be.Alloc(kernels.F32, host.Len())
		if err != nil {
			return err
		}
		d.be.Upload(buf, host.Buf)
		err = f(batch, tensor.New(buf, host.Shape()...))
		d.be.Free(buf)
		if err != nil {
			return err
		}
	}
	return nil
}
