package engine

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"time"

	"truegrain/models"
	"truegrain/models/detect"
	"truegrain/tensor/picture"
)

// Held is one version of a picture and what the detectors say of it.
type Held struct {
	Name     string            // "JPEG 70"
	Note     string            // "512 × 384"
	Verdicts []*detect.Verdict // nil where a detector can't look at it
}

// version makes one version of a picture.
type version struct {
	name, note string
	view       detect.View
	change     func(*picture.Picture) (*picture.Picture, error)
}

// versions are cut, resized and compressed versions; fullPixels bounds the picture that is looked at whole.
func versions(p *picture.Picture) []version {
	half := func(p *picture.Picture) (*picture.Picture, error) {
		return p.Resize(max(1, p.W/2), max(1, p.H/2)), nil
	}
	all := []version{
		{"Crops", "pieces at full detail", detect.Crop, nil},
		{"Resized", "the whole picture, made small", detect.Resize, nil},
		{"Full size", fmt.Sprintf("%d × %d at once", p.W, p.H), detect.Full, nil},
	}
	for _, q := range []int{90, 70, 50} {
		all = append(all, version{fmt.Sprintf("JPEG %d", q), "saved again", "",
			func(p *picture.Picture) (*picture.Picture, error) { return again(p, q) }})
	}
	return append(all, version{"Half size", fmt.Sprintf("%d × %d", max(1, p.W/2), max(1, p.H/2)), "", half})
}

// fullPixels bounds what is looked at whole: activations grow with it.
const fullPixels = 2_200_000

// again is a picture saved as JPEG and read back.
func again(p *picture.Picture, quality int) (*picture.Picture, error) {
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, p.Image(), &jpeg.Options{Quality: quality}); err != nil {
		return nil, err
	}
	return picture.Decode(buf.Bytes())
}

// Holds scores versions of a picture that look the same to people.
func (e *Engine) Holds(ctx context.Context, r *Result) ([]Held, error) {
	size := func(h []Held) int64 { return int64(len(h)) * 1024 }
	return keep(ctx, e, r, &r.holds, "versions", size, func(ctx context.Context) (out []Held, err error) {
		p, err := e.decode(ctx, r)
		if err != nil {
			return nil, err
		}
		for _, v := range versions(p) {
			h, err := e.held(ctx, p, v)
			if err != nil {
				return nil, err
			}
			out = append(out, h)
		}
		return out, nil
	})
}

func (e *Engine) held(ctx context.Context, p *picture.Picture, v version) (Held, error) {
	h := Held{Name: v.name, Note: v.note, Verdicts: make([]*detect.Verdict, len(e.Detectors))}
	if v.change != nil {
		var err error
		if p, err = v.change(p); err != nil {
			return h, err
		}
	}
	for i, d := range e.Detectors {
		if v.view == detect.Full && (d.Model.Kind() == models.Transformer || p.W*p.H > fullPixels) {
			continue
		}
		start := time.Now()
		a := d.ScoreAll(ctx, []detect.Ask{{Context: ctx, Picture: p, View: v.view}})[0]
		if a.Err != nil {
			return h, a.Err
		}
		h.Verdicts[i] = d.Verdict(a, time.Since(start))
	}
	return h, nil
}
