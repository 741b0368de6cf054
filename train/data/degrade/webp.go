package degrade

import (
	"truegrain/tensor/picture"
	"truegrain/train/data/webp"
)

// WebP is what is left of a picture in a lossy WebP of a quality, 0 to 100.
func WebP(p *picture.Picture, quality int) (*picture.Picture, error) {
	src, err := webp.Encode(p.W, p.H, p.Pix, quality)
	if err != nil {
		return nil, err
	}
	return picture.Decode(src)
}
