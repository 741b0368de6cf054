package detect

import (
	"fmt"

	"truegrain/models/explain"
	"truegrain/tensor/picture"
)

// View is what of a picture a detector sees. It is fixed and stated with every score.
type View string

// The views: a grid of square crops that covers the picture, scores averaged and maps stitched; the picture
// resized to one square; the whole picture as it is, for detectors that take any size.
const (
	Crop   View = "crop"
	Resize View = "resize"
	Full   View = "full"
)

// patch is one view, where its corner lies in the picture, and how many of the picture's pixels it spans. The
// padding of a crop spans pixels beyond the picture's end.
type patch struct {
	view         *picture.Picture
	x, y         int
	spanW, spanH int
}

// maxCrops bounds the crops of one picture: as many as cover 1024×768 pixels with crops of 64. Of a larger picture the
// crops see an evenly spread part, and its maps say which.
const maxCrops = 192

// patches cuts a picture into what a detector with a square input of the given size sees.
func patches(p *picture.Picture, v View, size int) ([]patch, error) {
	switch v {
	case Full:
		return []patch{{p, 0, 0, p.W, p.H}}, nil
	case Resize:
		return []patch{{p.Resize(size, size), 0, 0, p.W, p.H}}, nil
	case Crop:
		var out []patch
		for _, at := range picture.Grid(p.W, p.H, size, maxCrops) {
			crop := p.Crop(at.X, at.Y, min(size, p.W-at.X), min(size, p.H-at.Y))
			out = append(out, patch{crop.PadTo(size, size), at.X, at.Y, size, size})
		}
		return out, nil
	}
	return nil, fmt.Errorf("view %q: want crop, resize or full", v)
}

// coverage counts how many views show each pixel of a picture.
type coverage struct {
	w, h int
	n    []float32
}

func newCoverage(w, h int, views []patch) *coverage {
	c := &coverage{w, h, make([]float32, w*h)}
	for _, p := range views {
		for y := range min(p.spanH, h-p.y) {
			at := (p.y+y)*w + p.x
			for x := range c.n[at : at+min(p.spanW, w-p.x)] {
				c.n[at+x]++
			}
		}
	}
	return c
}

// seen says which pixels some view has shown; nil if all.
func (c *coverage) seen() []bool {
	out, all := make([]bool, len(c.n)), true
	for i, n := range c.n {
		out[i] = n > 0
		all = all && out[i]
	}
	if all {
		return nil
	}
	return out
}

// add spreads one grid over the pixels of a sheet that its view spans, in its share of each pixel: where views
// overlap they average. What spans beyond the picture does not count.
func (c *coverage) add(sheet []float32, p patch, grid []float32, gh, gw int) {
	full := explain.Resize(grid, gh, gw, p.spanH, p.spanW)
	w, h := min(p.spanW, c.w-p.x), min(p.spanH, c.h-p.y)
	for y := range h {
		at := (p.y+y)*c.w + p.x
		sum, n := sheet[at:at+w], c.n[at:at+w]
		for x, v := range full[y*p.spanW : y*p.spanW+w] {
			sum[x] += v / n[x]
		}
	}
}
