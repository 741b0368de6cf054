package inpaint

import (
	"bytes"
	"fmt"
	"image"
	"image/png"

	"truegrain/tensor/picture"
)

// Mask is which pixels of a picture are edited, row by row.
type Mask struct {
	W, H int
	On   []bool
}

// Inverted edits what the other leaves alone.
func (m *Mask) Inverted() *Mask {
	out := &Mask{m.W, m.H, make([]bool, len(m.On))}
	for i, on := range m.On {
		out.On[i] = !on
	}
	return out
}

// Count is how many pixels are edited.
func (m *Mask) Count() (n int) {
	for _, on := range m.On {
		if on {
			n++
		}
	}
	return n
}

// png is the mask as a grey picture: white is edited.
func (m *Mask) png() ([]byte, error) {
	img := image.NewGray(image.Rect(0, 0, m.W, m.H))
	for i, on := range m.On {
		if on {
			img.Pix[i] = 255
		}
	}
	var buf bytes.Buffer
	err := png.Encode(&buf, img)
	return buf.Bytes(), err
}

// cutOut reads the mask of a cut-out: a PNG whose object is opaque, by at least half, and whose background is
// transparent.
func cutOut(path string) (*Mask, error) {
	src, err := picture.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if _, err := picture.DecodeFile(path, src); err != nil { // its limits first
		return nil, err
	}
	img, err := png.Decode(bytes.NewReader(src))
	if err != nil {
		return nil, fmt.Errorf("%s: a cut-out must be a PNG with transparency: %w", path, err)
	}
	b := img.Bounds()
	m := &Mask{b.Dx(), b.Dy(), make([]bool, b.Dx()*b.Dy())}
	for y := range m.H {
		for x := range m.W {
			_, _, _, a := img.At(b.Min.X+x, b.Min.Y+y).RGBA()
			m.On[y*m.W+x] = a >= 0x8000
		}
	}
	if n := m.Count(); n == 0 || n == len(m.On) {
		return nil, fmt.Errorf("%s: %w", path, errNoCutOut)
	}
	return m, nil
}

// fit scales a mask as Resize scales its picture: a pixel is on where most of what it stands for is.
func (m *Mask) fit(w, h int) *Mask {
	if w == m.W && h == m.H {
		return m
	}
	p := &picture.Picture{W: m.W, H: m.H, Pix: make([]uint8, 3*len(m.On))}
	for i, on := range m.On {
		if on {
			p.Pix[3*i], p.Pix[3*i+1], p.Pix[3*i+2] = 255, 255, 255
		}
	}
	p = p.Resize(w, h)
	out := &Mask{w, h, make([]bool, w*h)}
	for i := range out.On {
		out.On[i] = p.Pix[3*i] >= 128
	}
	return out
}

// composite takes the edited pixels from one picture and all others from the other.
func composite(original, edited *picture.Picture, m *Mask) *picture.Picture {
	out := &picture.Picture{W: original.W, H: original.H, Pix: bytes.Clone(original.Pix)}
	for i, on := range m.On {
		if on {
			copy(out.Pix[3*i:3*i+3], edited.Pix[3*i:])
		}
	}
	return out
}
