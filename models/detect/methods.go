package detect

import (
	"slices"

	"truegrain/kernels"
	"truegrain/models"
	"truegrain/models/explain"
)

// method computes maps that are read from one pass over the model.
type method struct {
	families [][]string // maps on one scale each, by name
	want     explain.Want
	run      func(l *look) ([]*explain.Map, error) // in the order of the names of its families
}

// look is a pass over one batch of views. It remembers the Grad-CAM and the attention, which two methods
// need.
type look struct {
	*explain.Pass
	model models.Model
	grad  *explain.Map
	seen  *explain.Attention
}

func (l *look) attention() (_ *explain.Attention, err error) {
	if l.seen == nil {
		l.seen, err = l.Attention()
	}
	return l.seen, err
}

func (l *look) gradCAM() (_ *explain.Map, err error) {
	if l.grad == nil {
		l.grad, err = l.GradCAM(lastStage(l.model))
	}
	return l.grad, err
}

func (m method) names() []string { return slices.Concat(m.families...) }

// methods is what can be asked of a model, by its kind, the most telling first.
func methods(m models.Model) []method {
	switch m.Kind() {
	case models.Transformer:
		return []method{attention(), gradCAM(m), gradient()}
	case models.Segmenter:
		return []method{pixelMap(), gradCAM(m), gradient(), guided(m)}
	}
	return []method{cam(m), gradCAM(m), gradient(), guided(m)}
}

// wants is what one pass must keep for all of some methods.
func wants(all []method) (w explain.Want) {
	for _, m := range all {
		for _, t := range m.want.Taps {
			if !slices.Contains(w.Taps, t) {
				w.Taps = append(w.Taps, t)
			}
		}
		w.TapsBack = w.TapsBack || m.want.TapsBack
		w.InputBack = w.InputBack || m.want.InputBack
		w.Repeat = w.Repeat || m.want.Repeat
	}
	return w
}

// attentionTaps are the attention maps of every layer of a vision transformer.
const attentionTaps = "encoder.layers.*.self_attention.attention"

// lastStage is the layer that Grad-CAM looks at: the last stage, and of a transformer its first norm, since
// behind the last attention only the class token has a gradient.
func lastStage(m models.Model) string {
	stages := m.Stages()
	last := stages[len(stages)-1]
	if m.Kind() == models.Transformer {
		return last + ".ln_1"
	}
	return last
}

func cam(m models.Model) method {
	layer := lastStage(m)
	return method{[][]string{{"cam"}}, explain.Want{Taps: []string{layer}},
		func(l *look) ([]*explain.Map, error) {
			c, err := l.CAM(layer, m.Head().Weight)
			return []*explain.Map{c}, err
		}}
}

func gradCAM(m models.Model) method {
	want := explain.Want{Taps: []string{lastStage(m)}, TapsBack: true}
	return method{[][]string{{"grad_cam_ai", "grad_cam_photograph"}}, want,
		func(l *look) ([]*explain.Map, error) {
			g, err := l.gradCAM()
			if err != nil {
				return nil, err
			}
			return []*explain.Map{g.Toward(explain.AI), g.Toward(explain.Photograph)}, nil
		}}
}

// gradient goes back as Grad-CAM does, so that both are read from one backward pass.
func gradient() method {
	return method{[][]string{{"gradient"}}, explain.Want{InputBack: true},
		func(l *look) ([]*explain.Map, error) {
			g, err := l.Saliency(explain.Photograph, kernels.Gradient)
			return []*explain.Map{g}, err
		}}
}

// guided is guided backpropagation and guided Grad-CAM for both answers.
func guided(m models.Model) method {
	families := [][]string{{"guided_ai", "guided_photograph"},
		{"guided_grad_cam_ai", "guided_grad_cam_photograph"}}
	want := explain.Want{Taps: []string{lastStage(m)}, TapsBack: true, InputBack: true, Repeat: true}
	return method{families, want, func(l *look) ([]*explain.Map, error) {
		cam, err := l.gradCAM()
		if err != nil {
			return nil, err
		}
		var fine, both []*explain.Map
		for _, target := range []explain.Target{explain.AI, explain.Photograph} {
			g, err := l.Saliency(target, kernels.Guided)
			if err != nil {
				return nil, err
			}
			fine, both = append(fine, g), append(both, explain.Guided(g, cam.Toward(target)))
		}
		return append(fine, both...), nil
	}}
}

func pixelMap() method {
	return method{[][]string{{"pixel_map"}}, explain.Want{}, func(l *look) ([]*explain.Map, error) {
		p, err := l.PixelMap()
		return []*explain.Map{p}, err
	}}
}

func attention() method {
	families, want := [][]string{{"rollout"}, {"attention_last"}}, explain.Want{Taps: []string{attentionTaps}}
	return method{families, want, func(l *look) ([]*explain.Map, error) {
		a, err := l.attention()
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
	want := explain.Want{Taps: []string{attentionTaps}}
	return method{[][]string{names}, want, func(l *look) ([]*explain.Map, error) {
		a, err := l.attention()
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
