package data

import (
	"fmt"

	"truegrain/tensor/picture"
	"truegrain/train/data/degrade"
)

// Show is what is done to a picture before anybody sees it, so that its size and its encoder say nothing: the
// middle W×H pixels, encoded as a JPEG of a quality. The zero value shows it as it is.
type Show struct {
	W, H    uint16
	Quality uint8
}

// String is "480x360, JPEG 85"; "" for the picture as it is.
func (s Show) String() string {
	if s == (Show{}) {
		return ""
	}
	return fmt.Sprintf("%dx%d, JPEG %d", s.W, s.H, s.Quality)
}

// ParseShow reads back what String wrote.
func ParseShow(text string) (s Show, err error) {
	if text == "" {
		return s, nil
	}
	if _, err := fmt.Sscanf(text, "%dx%d, JPEG %d", &s.W, &s.H, &s.Quality); err != nil ||
		s.String() != text {
		return s, fmt.Errorf("%q does not say how a picture is shown: want %q", text, Show{480, 360, 85})
	}
	return s, nil
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
	return degrade.JPEG(p, int(s.Quality))
}

// shown is the file that a picture's Show comes to.
func (it *Item) shown() ([]byte, error) {
	raw := *it
	raw.Show = Show{}
	p, err := raw.Picture()
	if err != nil {
		return nil, err
	}
	return degrade.EncodeJPEG(it.Show.cut(p), int(it.Show.Quality))
}
