package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"truegrain/models/detect"
	"truegrain/train/data"
	"truegrain/train/data/degrade"
	"truegrain/train/energy"
	"truegrain/train/evaluate"
)

// evaluation is one run of 'eval'.
type evaluation struct {
	c         *EvalCmd
	t         *terminal
	detectors []*detect.Detector
	sets      []*evaluate.Set
	sums      []string // of the detectors' weights
	meter     energy.Meter
	report    *evaluate.Report
}

func newEvaluation(c *EvalCmd, t *terminal, detectors []*detect.Detector, sets []*evaluate.Set) *evaluation {
	e := &evaluation{c: c, t: t, detectors: detectors, sets: sets,
		meter: energy.Open(c.Device, processor(c.Device))}
	e.report = &evaluate.Report{Title: "Evaluation", Exact: c.Exact, Protocol: c.Protocol, Code: version(),
		Device:    c.Device,
		Bootstrap: evaluate.Bootstrap{Samples: c.Samples, Seed: c.Seed}, Energy: e.meter.Method()}
	for _, d := range detectors {
		info := evaluate.Detector{Name: d.Name, Arch: d.Card.Arch, Data: d.Card.Data,
			Generators: d.Card.Generators}
		if d.Card.Calibration != nil {
			info.Calibration = d.Card.Calibration.String()
		}
		e.report.Detectors = append(e.report.Detectors, info)
		e.sums = append(e.sums, weightsSum(d))
	}
	for _, s := range sets {
		e.report.Sets = append(e.report.Sets, s.Info())
		if s.Skipped > 0 && !s.Part {
			e.report.Notes = append(e.report.Notes,
				fmt.Sprintf("Set %s is without %s that a list calls damaged.", s.Name, pictures(s.Skipped)))
		}
	}
	if note := notes(detectors); note != "" {
		e.report.Notes = append(e.report.Notes, note)
	}
	return e
}

// pass is one way in which all pictures are looked at: a detector in a view, under one degradation.
type pass struct {
	seen
	degradation     string
	kept            *evaluate.Kept
	tooLarge        map[string]bool
	seconds, joules float64
	pictures        int
}

// run goes over every picture once for each degradation, and judges every case.
func (e *evaluation) run(ctx context.Context) error {
	degradations, err := degrade.Named(e.c.Degrade)
	if err != nil {
		return usageError{err}
	}
	for _, d := range append([]degrade.Degradation{{}}, degradations...) {
		if err := e.under(ctx, d); err != nil {
			return err
		}
	}
	if m := methods(e.detectors); m != "" {
		e.report.Notes = append(e.report.Notes, m)
	}
	// as they are first, whatever the order of work was
	slices.SortStableFunc(e.report.Results, func(a, b *evaluate.Result) int {
		return cmp.Compare(min(len(a.Degradation), 1), min(len(b.Degradation), 1))
	})
	return nil
}

// under evaluates all cases under one degradation.
func (e *evaluation) under(ctx context.Context, d degrade.Degradation) (err error) {
	passes, err := e.passes(d.Name)
	for _, p := range passes {
		defer func() { err = cmp.Or(err, p.kept.Close()) }()
	}
	if err != nil {
		return err
	}
	unread, err := e.look(ctx, d, passes)
	if err != nil {
		return err
	}
	for _, p := range passes {
		for _, s := range e.sets {
			r, err := e.judge(p, s, unread)
			if err != nil {
				return err
			}
			e.report.Results = append(e.report.Results, r)
		}
	}
	return nil
}

// passes opens the predictions of every detector and view.
func (e *evaluation) passes(degradation string) (out []*pass, err error) {
	for i, d := range e.detectors {
		for _, view := range e.c.views(d) {
			p := &pass{seen: seen{d: d, view: view, seed: e.c.Seed, pixels: e.c.Pixels},
				degradation: degradation, tooLarge: map[string]bool{}}
			of := map[string]string{"weights": e.sums[i], "view": view, "degradation": degradation,
				"decoder": decoder(), "code": version(),
				"exact": fmt.Sprint(e.c.Exact), "pixels": fmt.Sprint(e.c.Pixels),
				"seed": fmt.Sprint(e.c.Seed)}
			path := ""
			if e.c.Out != "" {
				path = filepath.Join(e.c.Out, "predictions", fmt.Sprintf("%s-%s-%s.jsonl", d.Name, view,
					cmp.Or(degradation, "none")))
			}
			if p.kept, err = evaluate.Keep(path, of); err != nil {
				return out, err
			}
			out = append(out, p)
		}
	}
	return out, nil
}

// pictures are those of all sets, each once.
func (e *evaluation) pictures() (out []data.Item) {
	listed := map[[2]string]bool{}
	for _, s := range e.sets {
		for _, it := range s.Items {
			if key := [2]string{it.Path, it.Show.String()}; !listed[key] {
				listed[key] = true
				out = append(out, it)
			}
		}
	}
	return out
}

// look shows every picture to the passes that have no prediction of it yet. It returns those that can't be
// read.
func (e *evaluation) look(ctx context.Context, d degrade.Degradation, passes []*pass) (map[string]bool,
	error) {
	items := e.pictures()
	items = slices.DeleteFunc(items, func(it data.Item) bool {
		return !slices.ContainsFunc(passes, func(p *pass) bool { return !p.has(&it) })
	})
	unread := map[string]bool{}
	bar := e.t.progress(cmp.Or(d.Name, "score"), len(items))
	defer bar.end()
	err := ahead(ctx, len(items), func(i int) shown { return degraded(d, &items[i], e.c.Pixels, e.c.Seed) },
		func(i int, s shown) error {
			bar.at(i+1, "")
			if s.err != nil {
				unread[items[i].Path] = true
				e.t.say("%v", s.err)
				return nil
			}
			for _, p := range passes {
				if err := e.show(ctx, p, &items[i], s); err != nil {
					return err
				}
			}
			return nil
		})
	return unread, err
}

// degraded reads a picture and degrades it; a mask only follows where the degradation moves pixels.
func degraded(d degrade.Degradation, item *data.Item, masks bool, seed uint64) shown {
	s := show(item, masks)
	if s.err != nil || d.Name == "" {
		return s
	}
	if s.picture, s.err = d.Apply(s.picture, seed); s.err != nil {
		s.err = fmt.Errorf("%s: %s: %w", item.Path, d.Name, s.err)
	} else if s.mask != nil {
		s.mask, s.err = d.Move(s.mask)
	}
	return s
}

// has says whether a pass has predicted a picture.
func (p *pass) has(item *data.Item) bool {
	k, ok := p.kept.Get(item.Path, item.Show.String())
	return ok && k.Label == item.Label && (k.Pixels == nil || k.Pixels.Masked == (item.Mask != ""))
}

// show makes and keeps one prediction.
func (e *evaluation) show(ctx context.Context, p *pass, item *data.Item, s shown) error {
	if p.has(item) {
		return nil
	}
	if p.view == string(detect.Full) && s.picture.W*s.picture.H > fullHD {
		p.tooLarge[item.Path] = true
		return nil
	}
	start, joules := time.Now(), e.meter.Joules()
	x, err := p.predict(ctx, item, s)
	if err != nil {
		return err
	}
	p.seconds += time.Since(start).Seconds()
	p.joules += e.meter.Joules() - joules
	p.pictures++
	return p.kept.Put(x)
}

// judge is the result of a pass on a set.
func (e *evaluation) judge(p *pass, s *evaluate.Set, unread map[string]bool) (*evaluate.Result, error) {
	var all []evaluate.Prediction
	var missing, large int
	for _, it := range s.Items {
		switch x, ok := p.kept.Get(it.Path, it.Show.String()); {
		case ok:
			x.Generator = it.Generator
			all = append(all, x)
		case p.tooLarge[it.Path]:
			large++
		case unread[it.Path]:
			missing++
		}
	}
	c := evaluate.Case{Detector: p.d.Name, Set: s.Name, View: p.view, Degradation: p.degradation}
	r, err := evaluate.Judge(c, all, p.d.Card.AI, e.report.Bootstrap)
	if err != nil {
		return nil, err
	}
	r.Unread, r.TooLarge, r.Known, r.Part = missing, large, s.Known(p.d.Card.Generators), s.Part
	if p.pictures > 0 {
		r.Seconds, r.Joules = p.seconds/float64(p.pictures), p.joules/float64(p.pictures)
	}
	return r, nil
}
