package engine

import (
	"context"
	"image"

	"truegrain/models/detect"
	"truegrain/tensor/picture"
)

// Channels is how many feature maps of a stage are kept.
const Channels = 24

// middle is a picture and the view in its middle.
func (e *Engine) middle(ctx context.Context, r *Result, d *detect.Detector) (
	*picture.Picture, []image.Rectangle, int, error) {
	p, err := e.decode(ctx, r)
	if err != nil {
		return nil, nil, 0, err
	}
	views, err := d.Rects(p, "")
	return p, views, detect.Middle(views, p.W, p.H), err
}

// Stages is what one detector's stages make of the view in the picture's middle.
func (e *Engine) Stages(ctx context.Context, r *Result, detector int) ([]detect.Stage, error) {
	size := func(stages []detect.Stage) (n int64) {
		for _, s := range stages {
			if f := s.Features; f != nil {
				n += int64(4 * len(f.Values) * f.H * f.W)
			}
		}
		return n
	}
	slot := &r.stages[detector]
	return keep(ctx, e, r, slot, "stages", size, func(ctx context.Context) ([]detect.Stage, error) {
		d := e.Detectors[detector]
		p, _, n, err := e.middle(ctx, r, d)
		if err != nil {
			return nil, err
		}
		return d.Stages(ctx, p, "", n, Channels)
	})
}

// Attention is what one detector's layers and heads look at within the view in the picture's middle.
func (e *Engine) Attention(ctx context.Context, r *Result, detector int) (*Attention, error) {
	size := func(a *Attention) (n int64) {
		for _, l := range a.Layers {
			n += int64(4 * len(l))
		}
		return n
	}
	slot := &r.attention[detector]
	return keep(ctx, e, r, slot, "attention", size, func(ctx context.Context) (*Attention, error) {
		d := e.Detectors[detector]
		p, views, n, err := e.middle(ctx, r, d)
		if err != nil {
			return nil, err
		}
		a, err := d.Attention(ctx, p, "", n)
		if err != nil {
			return nil, err
		}
		v := views[n]
		return &Attention{View: n, X: v.Min.X, Y: v.Min.Y, W: v.Dx(), H: v.Dy(), Distances: a.Distances(0),
			Attention: a}, nil
	})
}
