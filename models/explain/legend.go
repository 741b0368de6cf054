package explain

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"truegrain/tensor/picture"
)

// Sizes of a figure, in pixels.
const (
	textSize = 13
	line     = 18
	barH     = 12
	margin   = 12
	legendH  = margin + barH + 2*line
)

var typeface = sync.OnceValue(func() *opentype.Font {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		panic(err) // the font is part of the binary
	}
	return f
})

// pen writes on one figure; a font.Face belongs to one goroutine.
type pen struct {
	img  *image.RGBA
	face font.Face
}

func newPen(img *image.RGBA) pen {
	face, err := opentype.NewFace(typeface(), &opentype.FaceOptions{Size: textSize, DPI: 72,
		Hinting: font.HintingFull})
	if err != nil {
		panic(err) // the options are constants
	}
	return pen{img, face}
}

func (p pen) width(s string) int { return font.MeasureString(p.face, s).Ceil() }

func (p pen) write(x, y int, c color.Color, s string) {
	d := font.Drawer{Dst: p.img, Src: image.NewUniform(c), Face: p.face, Dot: fixed.P(x, y)}
	d.DrawString(s)
}

// Figure is the map over its picture with title, legend and the stated scale.
func (l Layer) Figure(p *picture.Picture, opacity float64) *image.RGBA {
	top := line + 6
	img := image.NewRGBA(image.Rect(0, 0, max(p.W, 240), top+p.H+legendH))
	draw.Draw(img, img.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(0, top, p.W, top+p.H), l.Over(p, opacity), image.Point{}, draw.Src)
	w := newPen(img)
	w.write(2, line-4, ink, l.Title)
	w.legend(l, image.Rect(2, top+p.H+margin, img.Rect.Dx()-2, top+p.H+margin+barH))
	return img
}

// legend draws the colour bar with the values at its ends and middle, and what they mean.
func (p pen) legend(l Layer, bar image.Rectangle) {
	palette := l.palette()
	for x := bar.Min.X; x < bar.Max.X; x++ {
		c := palette[(x-bar.Min.X)*last/max(1, bar.Dx()-1)]
		c.A = 255
		draw.Draw(p.img, image.Rect(x, bar.Min.Y, x+1, bar.Max.Y), image.NewUniform(c), image.Point{},
			draw.Src)
	}
	left, middle, right, note := l.labels()
	y := bar.Max.Y + line - 4
	p.write(bar.Min.X, y, ink, left)
	p.write(bar.Min.X+(bar.Dx()-p.width(middle))/2, y, ink, middle)
	p.write(bar.Max.X-p.width(right), y, ink, right)
	p.write(bar.Min.X, y+line-2, edge, note)
}

func (l Layer) labels() (left, middle, right, note string) {
	const fixedScale = "one scale for every picture of the run"
	switch l.Kind {
	case Probability:
		return "0 photograph", "0.5", "1 AI", "probability of AI, pixel by pixel"
	case Signed:
		return "photograph " + short(l.Max), "0", "AI " + short(l.Max), fixedScale
	}
	return "0", short(l.Max / 2), short(l.Max), fixedScale
}

// short is a number with three significant digits.
func short(v float64) string { return fmt.Sprintf("%.3g", v) }

// Panel puts figures side by side in rows of columns: several maps of one picture, or one map of two
// checkpoints. Figures keep their size.
func Panel(figures []*image.RGBA, columns int) *image.RGBA {
	if len(figures) == 0 {
		return image.NewRGBA(image.Rectangle{})
	}
	columns = min(max(1, columns), len(figures))
	cell := image.Point{}
	for _, f := range figures {
		cell.X, cell.Y = max(cell.X, f.Bounds().Dx()), max(cell.Y, f.Bounds().Dy())
	}
	rows := (len(figures) + columns - 1) / columns
	img := image.NewRGBA(image.Rect(0, 0, columns*(cell.X+margin)+margin, rows*(cell.Y+margin)+margin))
	draw.Draw(img, img.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	for i, f := range figures {
		at := image.Pt(margin+i%columns*(cell.X+margin), margin+i/columns*(cell.Y+margin))
		draw.Draw(img, f.Bounds().Sub(f.Bounds().Min).Add(at), f, f.Bounds().Min, draw.Src)
	}
	return img
}

// Strongest is the magnitude that a share q of the values stay below: what a detector's fixed scale is made
// of.
func Strongest(values []float32, q float64) float64 {
	sorted := make([]float64, 0, len(values))
	for _, v := range values {
		if a := math.Abs(float64(v)); !math.IsNaN(a) && !math.IsInf(a, 0) {
			sorted = append(sorted, a)
		}
	}
	return quantile(sorted, q)
}
