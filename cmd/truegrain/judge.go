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
	"truegrain/train"
	"truegrain/train/calibrate"
	"truegrain/train/data"
)

// judge calibrates a detector on the validation pictures, fixes the scales of its maps, and tests it on the
// test pictures, or if the folder has none on the validation pictures, which the card then says. It returns
// all scores.
func (l *lesson) judge(ctx context.Context, t *terminal, d *detect.Detector) ([]train.Scored, error) {
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
func (l *lesson) score(ctx context.Context, t *terminal, d *detect.Detector,
	set *data.Set) ([]train.Scored, error) {
	start, joules := time.Now(), l.meter.Joules()
	scores, err := score(ctx, t, []*detect.Detector{d}, set, detect.View(d.Card.View))
	if err != nil {
		return nil, err
	}
	l.scoring.pictures += len(scores[0])
	l.scoring.seconds += time.Since(start).Seconds()
	l.scoring.joules += l.meter.Joules() - joules
	return scores[0], nil
}

func samplesOf(scored []train.Scored) []calibrate.Sample {
	out := make([]calibrate.Sample, len(scored))
	for i, s := range scored {
		out[i] = calibrate.Sample{Score: s.Raw, Photograph: s.Label == data.Photograph}
	}
	return out
}

// scalePictures is how many validation pictures the scales of the maps are fixed on.
const scalePictures = 24

func (l *lesson) scales(ctx context.Context, d *detect.Detector, set *data.Set) error {
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
func (l *lesson) test(ctx context.Context, t *terminal, d *detect.Detector,
	val []train.Scored) (tested []train.Scored, err error) {
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
func judged(t *terminal, c *card.Card, o calibrate.Options, fit, tested []train.Scored) error {
	seen, unseen := split(tested, fit)
	switch err := calibrate.Apply(c, o, samplesOf(fit), samplesOf(seen)); {
	case errors.Is(err, calibrate.ErrOneClass):
		t.say("not calibrated: %v", err)
	case err != nil:
		return err
	}
	if len(seen) == 0 {
		seen = fit
	}
	report, err := train.Judge(seen, c.AI)
	if err != nil {
		return err
	}
	c.Test = report.Test()
	c.Test.Sets = report.Sets(true)
	if len(unseen) > 0 {
		r, err := train.Judge(unseen, c.AI)
		if err != nil {
			return err
		}
		c.Test.HeldOut, c.Test.HeldOutInterval = r.Accuracy, &r.Interval
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
func split(scored, val []train.Scored) (seen, unseen []train.Scored) {
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
func (l *lesson) iou(ctx context.Context, d *detect.Detector) (float64, error) {
	set, err := data.OpenInpaint(l.dir, data.Test)
	if l.recipe.Data.Layout == "masks" && err == nil && len(set.Items) == 0 {
		set, err = l.part(data.Val)
	}
	if err != nil || d.Model.Kind() != models.Segmenter || len(set.Items) == 0 {
		return 0, err
	}
	var sum, n float64
	for _, item := range set.Items {
		if item.Mask == "" {
			continue // a whole photograph beside its edited twin
		}
		n++
		p, err := item.Picture()
		if err != nil {
			return 0, err
		}
		mask, err := item.MaskPicture()
		if err != nil {
			return 0, err
		}
		v, err := d.Analyze(ctx, p, detect.Options{View: detect.Full, Maps: true,
			Only: []string{"pixel_map"}})
		if err != nil {
			return 0, err
		}
		want := make([]float32, mask.W*mask.H)
		for i := range want {
			want[i] = float32(mask.Pix[3*i]) / 255
		}
		sum += train.IoU(v.Maps[0].Values, want)
	}
	return sum / max(n, 1), nil
}
