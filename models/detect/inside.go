package detect

import (
	"context"
	"fmt"
	"image"
	"math"
	"strings"
	"time"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/models/explain"
	"truegrain/tensor"
	"truegrain/tensor/picture"
)

// Rects is where the views of a picture of w×h pixels lie in it, in their order.
func (d *Detector) Rects(w, h int, v View) ([]image.Rectangle, error) {
	v = d.view(v)
	if err := d.takes(v); err != nil {
		return nil, err
	}
	return rects(w, h, v, d.Card.Size)
}

// Middle is the number of the view whose centre is nearest to the picture's.
func Middle(views []image.Rectangle, w, h int) (best int) {
	nearest := math.Inf(1)
	for i, r := range views {
		x, y := r.Min.X+r.Max.X-w, r.Min.Y+r.Max.Y-h
		if d := math.Hypot(float64(x), float64(y)); d < nearest {
			best, nearest = i, d
		}
	}
	return best
}

// Attention is the attention of every layer and head of a transformer within view n of a picture.
func (d *Detector) Attention(ctx context.Context, p *picture.Picture, v View, n int) (
	a *explain.Attention, err error) {
	if d.Model.Kind() != models.Transformer {
		return nil, fmt.Errorf("%s is no transformer: it has no attention", d.Name)
	}
	err = d.inside(ctx, p, v, n, []string{attentionTaps}, func(pass *explain.Pass) (err error) {
		a, err = pass.Attention()
		return err
	})
	return a, err
}

// Stage is a part of a model, with what it made of a view.
type Stage struct {
	Name       string
	Shape      tensor.Shape // of its result, without the batch
	Parameters int
	Cost       kernels.Cost
	Time       time.Duration
	Features   *explain.Features // nil before and behind the model's own stages
}

// The parts of a model before and behind its stages.
const (
	Before = "stem"
	Behind = "head"
)

// Stages runs view n of a picture through the model op by op and says what each stage costs and makes of it;
// most bounds the channels that are kept of each.
func (d *Detector) Stages(ctx context.Context, p *picture.Picture, v View, n, most int) (
	out []Stage, err error) {
	names := d.Model.Stages()
	least, err := d.stageTimes(ctx, p, v, n, names)
	if err != nil {
		return nil, err
	}
	err = d.inside(ctx, p, v, n, names, func(pass *explain.Pass) error {
		out = d.cut(pass.Tape().Nodes(), names)
		for i := range out {
			s := &out[i]
			if t, ok := least[s.Name]; ok {
				s.Time = min(s.Time, t)
			}
			if s.Name != Before && s.Name != Behind {
				var err error
				if s.Features, err = pass.Features(s.Name, most); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return out, err
}

// stageTimes is the least time of each stage in several runs: one that used memory for the first time, or
// shared the machine with other work, took longer. Of a model that takes long there is one.
func (d *Detector) stageTimes(ctx context.Context, p *picture.Picture, v View, n int, names []string) (
	map[string]time.Duration, error) {
	const most, enough = 8, 100 * time.Millisecond
	least := map[string]time.Duration{}
	begun := time.Now()
	for run := 0; run == 0 || run < most && time.Since(begun) < enough; run++ {
		err := d.inside(ctx, p, v, n, nil, func(pass *explain.Pass) error {
			for _, s := range d.cut(pass.Tape().Nodes(), names) {
				if t, ok := least[s.Name]; !ok || s.Time < t {
					least[s.Name] = s.Time
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return least, nil
}

// cut sums the nodes up by stage. What belongs to none is the stem before the last stage's first node, and
// the head behind.
func (d *Detector) cut(nodes []*autograd.Node, names []string) []Stage {
	owner := map[uintptr]*autograd.Param{}
	for _, p := range d.Model.Params() {
		owner[p.Value.Buf.Addr()] = p
	}
	var out []Stage
	at := map[string]int{}
	current := Before
	for _, n := range nodes {
		if n.Op == nil {
			continue
		}
		current = stageOf(n.Path, names, current)
		i, ok := at[current]
		if !ok {
			i = len(out)
			at[current], out = i, append(out, Stage{Name: current})
		}
		s := &out[i]
		for _, in := range n.In {
			if p := owner[in.Buf.Addr()]; p != nil && !p.Buffer {
				s.Parameters += p.Value.Len()
				delete(owner, in.Buf.Addr())
			}
		}
		s.Cost, s.Time, s.Shape = s.Cost.Plus(n.Cost()), s.Time+n.Time, n.Out.Shape()[1:]
	}
	return out
}

func stageOf(path string, names []string, current string) string {
	for _, s := range names {
		if path == s || strings.HasPrefix(path, s+".") {
			return s
		}
	}
	if current == names[len(names)-1] || current == Behind {
		return Behind
	}
	return current
}

// inside runs one view through the model, with taps, and hands the pass to f.
func (d *Detector) inside(ctx context.Context, p *picture.Picture, v View, n int, taps []string,
	f func(*explain.Pass) error) error {
	views, err := d.patches(p, d.view(v))
	if err == nil && (n < 0 || n >= len(views)) {
		err = fmt.Errorf("view %d asked for; the picture has %d, counted from 0", n, len(views))
	}
	if err == nil {
		err = d.batches(views[n:n+1], func(_ []patch, x tensor.Tensor) error {
			s := explain.Subject{Backend: d.be, Model: d.Model, X: x, Pool: d.pool}
			return s.Pass(ctx, explain.Want{Taps: taps}, f)
		})
	}
	if err != nil {
		return fmt.Errorf("%s: %w", d.Name, err)
	}
	return nil
}
