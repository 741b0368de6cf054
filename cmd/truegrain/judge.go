package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"truegrain/models"
	"truegrain/models/detect"
	"truegrain/nn/card"
	"truegrain/tensor/picture"
	"truegrain/train/calibrate"
	"truegrain/train/data"
	"truegrain/train/evaluate"
)

// judge calibrates a detector on the validation pictures, fixes the scales of its maps, and tests it on the
// test pictures, or if the folder has none on the validation pictures, which the card then says. It returns
// all scores.
func (l *learning) judge(ctx context.Context, t *terminal, d *detect.Detector) (
	[]evaluate.Prediction, error) {
	set, err := l.part(data.Val)
	if err != nil {
		return nil, err
	}
	scores, err := l.score(ctx, t, d, set)
	if err != nil {
		return nil, err
	}
	if err := l.scales(ctx, d, set); err != nil {
		return nil, err
	}
	tested, err := l.test(ctx, t, d, scores)
	return append(scores, tested...), err
}

// score scores a set and counts what that takes.
func (l *learning) score(ctx context.Context, t *terminal, d *detect.Detector,
	set *data.Set) ([]evaluate.Prediction, error) {
	start, joules := time.Now(), l.meter.Joules()
	scores, err := score(ctx, t, d, set)
	if err != nil {
		return nil, err
	}
	l.scoring.pictures += len(scores)
	l.scoring.seconds += time.Since(start).Seconds()
	l.scoring.joules += l.meter.Joules() - joules
	return scores, nil
}

// scalePictures is how many validation pictures the scales of the maps are fixed on.
const scalePictures = 24

func (l *learning) scales(ctx context.Context, d *detect.Detector, set *data.Set) error {
	var pictures []*picture.Picture
	step := max(1, len(set.Items)/scalePictures)
	for i := 0; i < len(set.Items) && len(pictures) < scalePictures; i += step {
		if p, err := set.Items[i].Picture(); err == nil {
			pictures = append(pictures, p)
		}
	}
	return d.FitScales(ctx, pictures)
}

// test calibrates the card, fills in what it says of unseen pictures, and returns the scores of those that
// were not scored before.
func (l *learning) test(ctx context.Context, t *terminal, d *detect.Detector,
	val []evaluate.Prediction) (tested []evaluate.Prediction, err error) {
	set, err := l.part(data.Test)
	switch {
	case errors.Is(err, data.ErrNoPictures):
		d.Card.Data += " (tested on its validation pictures: there are no others)"
	case err != nil:
		return nil, err
	default:
		if tested, err = l.score(ctx, t, d, set); err != nil {
			return nil, err
		}
	}
	o := calibrate.Defaults()
	o.Fit, o.Test = "validation", "the test part"
	if err := judged(t, d.Card, o, val, tested); err != nil {
		return nil, err
	}
	if d.Card.Test.IoU, err = l.iou(ctx, d); err != nil {
		return nil, err
	}
	t.say("%s: %s", d.Name, verdict(d.Card.Test))
	return tested, nil
}

// judged calibrates a card on some scores and tests it on others, or without others on the same.
func judged(t *terminal, c *card.Card, o calibrate.Options, fit, tested []evaluate.Prediction) error {
	seen, unseen := split(tested, fit)
	switch err := calibrate.Apply(c, o, evaluate.Samples(fit), evaluate.Samples(seen)); {
	case errors.Is(err, calibrate.ErrOneClass):
		t.say("not calibrated: %v", err)
	case err != nil:
		return err
	}
	if len(seen) == 0 {
		seen = fit
	}
	none := evaluate.Bootstrap{} // a card has Wilson's intervals
	report, err := evaluate.Judge(evaluate.Case{Detector: c.Arch, Set: o.Fit}, seen, c.AI, none)
	if err != nil {
		return err
	}
	c.Test = report.Test()
	c.Test.Sets = report.Sets(true)
	if len(unseen) > 0 {
		r, err := evaluate.Judge(evaluate.Case{Detector: c.Arch, Set: o.Test}, unseen, c.AI, none)
		if err != nil {
			return err
		}
		held := r.Test()
		c.Test.HeldOut, c.Test.HeldOutInterval = held.Accuracy, &held.Interval
		c.Test.Sets = append(c.Test.Sets, r.Sets(false)...)
	}
	return nil
}

// verdict is a test in a line.
func verdict(c *card.Test) string {
	line := fmt.Sprintf("accuracy %.1f %% (%.1f to %.1f) on %d unseen pictures, picture size alone %.1f "+
		"%%, ECE %.3f",
		100*c.Accuracy, 100*c.Interval[0], 100*c.Interval[1], c.N, 100*c.SizeFloor, c.ECE)
	if c.HeldOut > 0 {
		line += fmt.Sprintf(", unseen generator %.1f %%", 100*c.HeldOut)
	}
	if c.IoU > 0 {
		line += fmt.Sprintf(", mask IoU %.2f", c.IoU)
	}
	return line
}

// split parts the pictures of generators that validation knows from those that it has never seen.
func split(scored, val []evaluate.Prediction) (seen, unseen []evaluate.Prediction) {
	var known []string
	for _, s := range val {
		if !slices.Contains(known, s.Generator) {
			known = append(known, s.Generator)
		}
	}
	for _, s := range scored {
		if slices.Contains(known, s.Generator) {
			seen = append(seen, s)
		} else {
			unseen = append(unseen, s)
		}
	}
	return seen, unseen
}

// iou is the mean intersection over union of a segmenter's pixel map on the composites of the test part; 0
// without.
func (l *learning) iou(ctx context.Context, d *detect.Detector) (float64, error) {
	set, err := data.OpenInpaint(l.dir, data.Test)
	if l.recipe.Data.Layout == "masks" && err == nil && len(set.Items) == 0 {
		set, err = l.part(data.Val)
	}
	if err != nil || d.Model.Kind() != models.Segmenter || len(set.Items) == 0 {
		return 0, err
	}
	look := seen{d: d, view: string(detect.Full), pixels: true}
	var sum, n float64
	for _, item := range set.Items {
		if item.Mask == "" {
			continue // a whole photograph beside its edited twin
		}
		x := show(&item, true)
		if x.err != nil {
			return 0, x.err
		}
		p, err := look.predict(ctx, &item, x)
		if err != nil {
			return 0, err
		}
		n++
		sum += p.Pixels.IoU()
	}
	return sum / max(n, 1), nil
}
