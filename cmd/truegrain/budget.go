package main

import (
	"context"
	"errors"
	"time"

	"truegrain/models/detect"
	"truegrain/train/data"
)

// timed is how many pictures are scored to see how long that takes.
const timed = 3

// share parts the budget between training and what comes behind it: calibrating and testing take as long as
// scoring the validation and test pictures, which some of them are timed for. If the budget does not suffice
// for that, training gets all of it and the run is left to a resume.
func (l *learning) share(ctx context.Context, t *terminal, d *detect.Detector) error {
	var pictures []data.Item
	for _, split := range []string{data.Val, data.Test} {
		set, err := l.part(split)
		if errors.Is(err, data.ErrNoPictures) {
			continue
		}
		if err != nil {
			return err
		}
		pictures = append(pictures, set.Items...)
	}
	one, err := l.scoringTime(ctx, d, pictures)
	d.Close() // its weights are about to change
	if err != nil {
		return err
	}
	judging := time.Duration(len(pictures)+scalePictures) * one
	if l.unjudged = judging >= l.budget; l.unjudged {
		t.say("calibrating and testing would take about %s, more than the budget of %s: this run trains only",
			judging.Round(time.Second), l.budget)
		return nil
	}
	l.budget -= judging
	t.say("of the budget, training gets %s; calibrating and testing take about %s",
		l.budget.Round(time.Second), judging.Round(time.Second))
	return nil
}

// scoringTime is the mean time that a picture's score takes, over a few that are spread over all; the first
// one warms up.
func (l *learning) scoringTime(ctx context.Context, d *detect.Detector, pictures []data.Item) (
	time.Duration, error) {
	var start time.Time
	n := 0
	for k := range timed + 1 {
		if k == 1 {
			start = time.Now()
		}
		p, err := pictures[k*(len(pictures)-1)/timed].Picture()
		if err != nil {
			continue // training says so when it comes to it
		}
		if _, err := d.Score(ctx, p, detect.View(d.Card.View)); err != nil {
			return 0, err
		}
		if k > 0 {
			n++
		}
	}
	return time.Since(start) / time.Duration(max(n, 1)), nil
}
