package detect

import (
	"fmt"
	"image"

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

// patch is one view, where its corner lies in the picture, and how many of the picture's pixels it spans.
type patch struct {
	view         *picture.Picture
	x, y         int
	spanW, spanH int
}

// maxCrops bounds the crops of one picture: as many as cover 1024×768 pixels with crops of 64. Of a larger
// picture the crops see an evenly spread part, and its maps say which.
const maxCrops = 192

// rects is where the views of a picture of w×h pixels lie in it, in their order. The padding of a crop spans
// pixels beyond the picture's end.
func rects(w, h int, v View, size int) ([]image.Rectangle, error) {
	switch v {
	case Full, Resize:
		return []image.Rectangle{image.Rect(0, 0, w, h)}, nil
	case Crop:
		var out []image.Rectangle
		for _, at := range picture.Grid(w, h, size, maxCrops) {
			out = append(out, image.Rectangle{Min: at, Max: at.Add(image.Pt(size, size))})
		}
		return out, nil
	}
	return nil, fmt.Errorf("view %q: want crop, resize or full", v)
}

// patches cuts a picture into what a detector with a square input of the given size sees.
func patches(p *picture.Picture, v View, size int) ([]patch, error) {
	all, err := rects(p.W, p.H, v, size)
	out := make([]patch, 0, len(all))
	for _, r := range all {
		view := p
		switch v {
		case Resize:
			view = p.Resize(size, size)
		case Crop:
			view = p.Crop(r.Min.X, r.Min.Y, min(size, p.W-r.Min.X), min(size, p.H-r.Min.Y)).PadTo(size, size)
		}
		out = append(out, patch{view, r.Min.X, r.Min.Y, r.Dx(), r.Dy()})
	}
	return out, err
}
