package explain

import (
	"image"
	"image/color"
	"math"

	"truegrain/tensor/picture"
)

// Layer is one map ready to be drawn over its picture. Max is the value at the strong end of the colours: it
// belongs to the detector and the method and is the same for every picture of a run, never the picture's own
// maximum; a probability needs none.
type Layer struct {
	Title  string
	Kind   Kind
	H, W   int
	Values []float32
	Max    float64
	Seen   []bool // which cells the detector looked at; nil for all. The others are hatched.
}

// The last place of a palette is kept for the hatch over what was not looked at; ramps end before it.
const (
	last  = 254
	hatch = 255
)

// index is the place of a value in the ramp of its kind, 0 to last. NaN is the place of nothing.
func (l Layer) index(v float32) uint8 {
	x := float64(v)
	if math.IsNaN(x) {
		x = 0
	}
	switch l.Kind {
	case Probability:
		x = min(max(x, 0), 1)
	case Signed:
		x = 0.5 - l.relative(x)/2 // teal, at 0, is a photograph
	default:
		x = max(l.relative(x), 0)
	}
	return uint8(math.Round(x * last))
}

// relative is a value as a share of the scale, from −1 to 1.
func (l Layer) relative(x float64) float64 {
	if l.Max > 0 {
		x /= l.Max
	}
	return min(max(x, -1), 1)
}

// palette is the ramp with an opacity that grows from nothing, where the map says nothing, to full at its
// ends.
func (l Layer) palette() [256]color.NRGBA {
	ramp := Ember
	if l.Kind != Positive {
		ramp = Tide
	}
	var out [256]color.NRGBA
	for i := range last + 1 {
		c, strength := ramp[(i*255+last/2)/last], float64(i)/last
		if l.Kind != Positive {
			strength = math.Abs(2*strength - 1)
		}
		out[i] = color.NRGBA{c.R, c.G, c.B, uint8(math.Round(255 * math.Sqrt(strength)))}
	}
	out[hatch] = color.NRGBA{edge.R, edge.G, edge.B, 255}
	return out
}

// Indices is the map at w×h, bilinear, as places in the ramp.
func (l Layer) Indices(w, h int) []uint8 {
	values := Resize(l.Values, l.H, l.W, h, w)
	out := make([]uint8, len(values))
	for i, v := range values {
		out[i] = l.index(v)
	}
	if l.Seen != nil {
		for i := range out {
			x, y := i%w, i/w
			if !l.Seen[y*l.H/h*l.W+x*l.W/w] && (x+y)%8 < 2 {
				out[i] = hatch
			}
		}
	}
	return out
}

// Sheet draws the map alone at w×h, transparent where it says nothing: a page lays it over the picture with
// an opacity of its own.
func (l Layer) Sheet(w, h int) *image.Paletted {
	palette := make(color.Palette, 256)
	for i, c := range l.palette() {
		palette[i] = c
	}
	return &image.Paletted{Pix: l.Indices(w, h), Stride: w, Rect: image.Rect(0, 0, w, h), Palette: palette}
}

// Over draws the map over its picture in grey (a colourful picture hides a map), the more opaque the stronger
// the value, opacity at most.
func (l Layer) Over(p *picture.Picture, opacity float64) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, p.W, p.H))
	palette := l.palette()
	for i, at := range l.Indices(p.W, p.H) {
		c := palette[at]
		alpha := opacity * float64(c.A) / 255
		grey := luma(p.Pix[3*i], p.Pix[3*i+1], p.Pix[3*i+2])
		px := img.Pix[4*i : 4*i+4]
		px[0], px[1], px[2], px[3] = blend(grey, c.R, alpha), blend(grey, c.G, alpha),
			blend(grey, c.B, alpha), 255
	}
	return img
}

func blend(a float64, b uint8, alpha float64) uint8 {
	return uint8(math.Round(a + (float64(b)-a)*alpha))
}

// luma is the brightness of an sRGB pixel by the weights of ITU-R BT.601.
func luma(r, g, b uint8) float64 { return 0.299*float64(r) + 0.587*float64(g) + 0.114*float64(b) }

var (
	ink   = color.RGBA{26, 26, 26, 255}
	paper = color.RGBA{255, 255, 255, 255}
	edge  = color.RGBA{133, 133, 132, 255}
)
