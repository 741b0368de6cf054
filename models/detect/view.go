package detect

import (
	"fmt"

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

// maxCrops bounds the crops of one picture: as many as cover 1024×768 pixels with crops of 64. Of a larger
// picture the crops see an evenly spread part, and its maps say which.
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
