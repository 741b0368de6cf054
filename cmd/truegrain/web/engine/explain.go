package engine

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"strings"

	"truegrain/models/detect"
	"truegrain/tensor/picture"
)

// Cells of a map: of one with details of its own, and of one that comes from a grid of a few cells.
const (
	fineCells   = 1 << 18
	coarseCells = 1 << 15
)

// Detailed says that a map has details of the size of a pixel.
func Detailed(name string) bool {
	return name == "gradient" || name == "pixel_map" || strings.HasPrefix(name, "guided")
}

// Maps is every map of one detector.
func (e *Engine) Maps(ctx context.Context, r *Result, detector int) ([]detect.Map, error) {
	size := func(maps []detect.Map) (n int64) {
		for _, m := range maps {
			n += int64(4*len(m.Values) + len(m.Seen))
		}
		return n
	}
	return keep(ctx, e, r, &r.maps[detector], "maps", size, func(ctx context.Context) ([]detect.Map, error) {
		p, err := e.decode(ctx, r)
		if err != nil {
			return nil, err
		}
		var fine, coarse []string
		d := e.Detectors[detector]
		for _, n := range detect.MapNames(d.Model) {
			if Detailed(n) {
				fine = append(fine, n)
			} else {
				coarse = append(coarse, n)
			}
		}
		return explained(ctx, d, p, fine, coarse)
	})
}

// explained reads all maps from one pass at the finer size, and averages those that need less down.
func explained(ctx context.Context, d *detect.Detector, p *picture.Picture, fine, coarse []string) (
	[]detect.Map, error) {
	cells := coarseCells
	if len(fine) > 0 {
		cells = fineCells
	}
	maps, _, err := d.Explain(ctx, p, detect.Options{Cells: cells})
	for i := range maps {
		for len(coarse) > 0 && !Detailed(maps[i].Name) && maps[i].W*maps[i].H > coarseCells {
			halve(&maps[i])
		}
	}
	return maps, err
}

// halve gives a map half the cells along each side, each the mean of up to four.
func halve(m *detect.Map) {
	w, h := (m.W+1)/2, (m.H+1)/2
	values := make([]float32, w*h)
	var seen []bool
	if m.Seen != nil {
		seen = make([]bool, w*h)
	}
	for y := range h {
		for x := range w {
			var sum float32
			n := 0
			for yy := 2 * y; yy < min(2*y+2, m.H); yy++ {
				for xx := 2 * x; xx < min(2*x+2, m.W); xx++ {
					sum, n = sum+m.Values[yy*m.W+xx], n+1
					if seen != nil {
						seen[y*w+x] = seen[y*w+x] || m.Seen[yy*m.W+xx]
					}
				}
			}
			values[y*w+x] = sum / float32(n)
		}
	}
	m.W, m.H, m.Values, m.Seen = w, h, values, seen
}

// Map is one map of one detector.
func (e *Engine) Map(ctx context.Context, r *Result, detector int, name string) (detect.Map, error) {
	maps, err := e.Maps(ctx, r, detector)
	if err != nil {
		return detect.Map{}, err
	}
	for _, m := range maps {
		if m.Name == name {
			return m, nil
		}
	}
	return detect.Map{}, &UnknownError{fmt.Sprintf("map %q of %s", name, e.Detectors[detector].Name)}
}

// Sizes of the pictures that a page shows, along the longer side.
const (
	SmallSide = 208
	LargeSide = 1400
)

// Shot is the picture as a JPEG file with its longer side at most SmallSide or LargeSide.
func (e *Engine) Shot(ctx context.Context, r *Result, large bool) ([]byte, error) {
	slot, side := &r.shots[0], SmallSide
	if large {
		slot, side = &r.shots[1], LargeSide
	}
	return slot.get(ctx, func(ctx context.Context) ([]byte, error) {
		var buf bytes.Buffer
		err := e.Draw(ctx, r, side, func(p *picture.Picture) error {
			return jpeg.Encode(&buf, p.Image(), &jpeg.Options{Quality: 88})
		})
		if err != nil {
			return nil, err
		}
		e.Store.grow(r, int64(buf.Len()))
		return buf.Bytes(), nil
	})
}

// Draw hands the decoded picture, with its longer side at most side, to f. Few pictures are drawn at the same
// time, which bounds the memory of those who ask for many.
func (e *Engine) Draw(ctx context.Context, r *Result, side int, f func(*picture.Picture) error) error {
	select {
	case e.drawing <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.stopped.Done():
		return ErrClosed
	}
	defer func() { <-e.drawing }()
	p, err := e.decode(ctx, r)
	if err != nil {
		return err
	}
	return f(Fit(p, side))
}

// Fit is a picture whose longer side is at most side.
func Fit(p *picture.Picture, side int) *picture.Picture {
	long := max(p.W, p.H)
	if long <= side {
		return p
	}
	return p.Resize(max(1, p.W*side/long), max(1, p.H*side/long))
}
