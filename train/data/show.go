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
	return ThroughJPEG(p, int(s.Quality))
}

// ThroughJPEG is what is left of a picture in a JPEG of a quality, 1 to 100 (4:2:0, as most cameras and all of
// the web have it).
func ThroughJPEG(p *picture.Picture, quality int) (*picture.Picture, error) {
	src, err := encodeJPEG(p, quality)
	if err != nil {
		return nil, err
	}
	return picture.Decode(src)
}

func encodeJPEG(p *picture.Picture, quality int) ([]byte, error) {
	var buf bytes.Buffer
	err := jpeg.Encode(&buf, p.Image(), &jpeg.Options{Quality: quality})
	return buf.Bytes(), err
}

// shown is the file that a picture's Show comes to.
func (it *Item) shown() ([]byte, error) {
	raw := *it
	raw.Show = Show{}
	p, err := raw.Picture()
	if err != nil {
		return nil, err
	}
	return encodeJPEG(it.Show.cut(p), int(it.Show.Quality))
}
