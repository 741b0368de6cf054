package detect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/models/explain"
	"truegrain/tensor"
	"truegrain/tensor/picture"
)

// method computes maps that share passes over the model, in the order of the names of its families.
type method struct {
	families [][]string // maps on one scale each, by name
	run      func(ctx context.Context, s *look) ([]*explain.Map, error)
}

// look is a model looking at one batch of views. It remembers the Grad-CAM, which two methods need.
type look struct {
	explain.Subject
	model models.Model
	grad  *explain.Map
	seen  *explain.Attention
}

func (l *look) attention(ctx context.Context) (_ *explain.Attention, err error) {
	if l.seen == nil {
		l.seen, err = l.Attention(ctx, attentionTaps)
	}
	return l.seen, err
}

func (l *look) gradCAM(ctx context.Context) (_ *explain.Map, err error) {
	if l.grad == nil {
		l.grad, err = l.GradCAM(ctx, lastStage(l.model))
	}
	return l.grad, err
}

func (m method) names() []string { return slices.Concat(m.families...) }

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

// methods is what can be asked of a model, by its kind, the most telling first.
func methods(m models.Model) []method {
	switch m.Kind() {
	case models.Transformer:
		return []method{attention(), gradCAM(), gradient()}
	case models.Segmenter:
		return []method{pixelMap(), gradCAM(), gradient(), guided()}
	}
	return []method{cam(m), gradCAM(), gradient(), guided()}
}

// attentionTaps are the attention maps of every layer of a vision transformer.
const attentionTaps = "encoder.layers.*.self_attention.attention"

// lastStage is the layer that Grad-CAM looks at: the last stage, and of a transformer its first norm, since behind
// the last attention only the class token has a gradient.
func lastStage(m models.Model) string {
	stages := m.Stages()
	last := stages[len(stages)-1]
	if m.Kind() == models.Transformer {
		return last + ".ln_1"
	}
	return last
}

// MapNames lists the maps that a model has.
func MapNames(m models.Model) []string {
	var names []string
	for _, me := range methods(m) {
		names = append(names, me.names()...)
	}
	return names
}

func cam(m models.Model) method {
	return method{[][]string{{"cam"}}, func(ctx context.Context, s *look) ([]*explain.Map, error) {
		c, err := s.CAM(ctx, lastStage(m), m.Head().Weight)
		return []*explain.Map{c}, err
	}}
}

func gradCAM() method {
	return method{[][]string{{"grad_cam_ai", "grad_cam_photograph"}},
		func(ctx context.Context, s *look) ([]*explain.Map, error) {
			g, err := s.gradCAM(ctx)
			if err != nil {
				return nil, err
			}
			return []*explain.Map{g.Toward(explain.AI), g.Toward(explain.Photograph)}, nil
		}}
}

func gradient() method {
	return method{[][]string{{"gradient"}}, func(ctx context.Context, s *look) ([]*explain.Map, error) {
		g, err := s.Saliency(ctx, explain.Photograph, kernels.Gradient)
		return []*explain.Map{g}, err
	}}
}

// guided is guided backpropagation and guided Grad-CAM for both answers.
func guided() method {
	families := [][]string{{"guided_ai", "guided_photograph"}, {"guided_grad_cam_ai", "guided_grad_cam_photograph"}}
	return method{families, func(ctx context.Context, s *look) ([]*explain.Map, error) {
		cam, err := s.gradCAM(ctx)
		if err != nil {
			return nil, err
		}
		var fine, both []*explain.Map
		for _, target := range []explain.Target{explain.AI, explain.Photograph} {
			g, err := s.Saliency(ctx, target, kernels.Guided)
			if err != nil {
				return nil, err
			}
			fine, both = append(fine, g), append(both, explain.Guided(g, cam.Toward(target)))
		}
		return append(fine, both...), nil
	}}
}

func pixelMap() method {
	return method{[][]string{{"pixel_map"}}, func(ctx context.Context, s *look) ([]*explain.Map, error) {
		p, err := s.PixelMap(ctx)
		return []*explain.Map{p}, err
	}}
}

func attention() method {
	return method{[][]string{{"rollout"}, {"attention_last"}}, func(ctx context.Context, s *look) ([]*explain.Map, error) {
		a, err := s.attention(ctx)
		if err != nil {
			return nil, err
		}
		rollout, err := a.Rollout()
		if err != nil {
			return nil, err
		}
		last, err := a.Layer(len(a.Layers)-1, explain.AllHeads, 0)
		return []*explain.Map{rollout, last}, err
	}}
}

// heads is the attention of single layers and heads, on the scale of the last layer's.
func heads(ask []Head) method {
	names := make([]string, len(ask))
	for i, h := range ask {
		names[i] = h.name()
	}
	return method{[][]string{names}, func(ctx context.Context, s *look) ([]*explain.Map, error) {
		a, err := s.attention(ctx)
		if err != nil {
			return nil, err
		}
		maps := make([]*explain.Map, len(ask))
		for i, h := range ask {
			if maps[i], err = a.Layer(h.Layer, h.Head, 0); err != nil {
				return nil, err
			}
		}
		return maps, nil
	}}
}

// explain runs every wanted method over all views, some views at a time, and stitches the maps. It also gives the raw
// score, from the same passes.
func (d *Detector) explain(ctx context.Context, p *picture.Picture, views []patch, o Options) ([]Map, float64, error) {
	wanted := func(name string) bool {
		return o.Only == nil || slices.Contains(o.Only, name) || slices.ContainsFunc(o.Attention, func(h Head) bool { return h.name() == name })
	}
	var wantedMethods []method
	for _, me := range methods(d.Model) {
		if slices.ContainsFunc(me.names(), wanted) {
			wantedMethods = append(wantedMethods, me)
		}
	}
	if len(o.Attention) > 0 && d.Model.Kind() == models.Transformer {
		wantedMethods = append(wantedMethods, heads(o.Attention))
	}
	cover, sheets := newCoverage(p.W, p.H, views), map[string][]float32{}
	kinds := map[string]explain.Kind{}
	var score float64
	err := d.batches(views, func(batch []patch, x tensor.Tensor) error {
		l := &look{explain.Subject{Backend: d.be, Model: d.Model, X: x, Pool: d.pool, Output: func(t *autograd.Tape, out *autograd.Var) error {
			p, err := d.Model.Probability(t, out).Values()
			for _, v := range p {
				score += float64(v)
			}
			return err
		}}, d.Model, nil, nil}
		if _, err := l.gradCAM(ctx); err != nil {
			return err
		}
		for _, me := range wantedMethods {
			maps, err := me.run(ctx, l)
			if err != nil {
				return fmt.Errorf("%s: %w", me.names()[0], err)
			}
			for i, name := range me.names() {
				if sheets[name] == nil {
					sheets[name] = make([]float32, p.W*p.H)
				}
				kinds[name] = maps[i].Kind
				for b, at := range batch {
					cover.add(sheets[name], at, maps[i].At(b), maps[i].H, maps[i].W)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	var out []Map
	seen := cover.seen()
	for _, me := range wantedMethods {
		for _, name := range me.names() {
			if wanted(name) {
				out = append(out, Map{name, explain.Layer{Title: title(name), Kind: kinds[name], H: p.H, W: p.W,
					Seen: seen, Values: sheets[name], Max: d.scale(name)}})
			}
		}
	}
	return out, score / float64(len(views)), nil
}

// title is what people read instead of a map's name.
func title(name string) string {
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
