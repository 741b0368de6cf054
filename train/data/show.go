package data

import (
	"bytes"
	"image/jpeg"

	"truegrain/tensor/picture"
)

// Show is what is done to a picture before anybody sees it, so that its size and its encoder say nothing: the
// middle W×H pixels, encoded as a JPEG of a quality. The zero value shows it as it is.
type Show struct {
	W, H    uint16
	Quality uint8
}

// cut is the middle of a picture; a side that is shorter stays.
func (s Show) cut(p *picture.Picture) *picture.Picture {
	w, h := min(int(s.W), p.W), min(int(s.H), p.H)
	if w == 0 || h == 0 || w == p.W && h == p.H {
		return p
	}
	return p.Crop((p.W-w)/2, (p.H-h)/2, w, h)
}

func (s Show) apply(p *picture.Picture) (*picture.Picture, error) {
	p = s.cut(p)
	if s.Quality == 0 {
		return p, nil
	}
	return throughJPEG(p, int(s.Quality))
}

// throughJPEG encodes and decodes a picture (4:2:0, as most cameras and all of the web do).
func throughJPEG(p *picture.Picture, quality int) (*picture.Picture, error) {
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, p.Image(), &jpeg.Options{Quality: quality}); err != nil {
		return nil, err
	}
	return picture.Decode(buf.Bytes())
}
