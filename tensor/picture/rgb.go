package picture

import (
	"image"
	"image/color"
)

// toRGB lays a decoded frame over a white picture of the header's size.
func toRGB(img image.Image, h header) *Picture {
	b := img.Bounds()
	if b.Dx() == h.w && b.Dy() == h.h {
		return &Picture{W: h.w, H: h.h, Pix: pixels(img)}
	}
	at := h.at
	if h.data == nil { // a GIF's frame carries its place on the screen
		at = [2]int{b.Min.X, b.Min.Y}
	}
	p := &Picture{W: h.w, H: h.h, Pix: make([]uint8, 3*h.w*h.h)}
	for i := range p.Pix {
		p.Pix[i] = 255
	}
	frame := pixels(img)
	w := min(b.Dx(), h.w-at[0])
	for y := range min(b.Dy(), h.h-at[1]) {
		copy(p.Pix[3*((at[1]+y)*h.w+at[0]):][:3*w], frame[3*y*b.Dx():])
	}
	return p
}

// pixels is the RGB of an image over white. The kinds that decoders give have paths of their own; a call per
// pixel through the interface is ten times slower.
func pixels(img image.Image) []uint8 {
	b := img.Bounds()
	out := make([]uint8, 0, 3*b.Dx()*b.Dy())
	switch m := img.(type) {
	case *image.YCbCr:
		return ycbcr(out, m)
	case *image.Gray:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for _, v := range m.Pix[m.PixOffset(b.Min.X, y):][:b.Dx()] {
				out = append(out, v, v, v)
			}
		}
		return out
	case *image.NRGBA:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			row := m.Pix[m.PixOffset(b.Min.X, y):][:4*b.Dx()]
			for x := 0; x < len(row); x += 4 {
				a := uint32(row[x+3])
				out = append(out, overWhite(row[x], a), overWhite(row[x+1], a), overWhite(row[x+2], a))
			}
		}
		return out
	case *image.RGBA:
		return premultiplied(out, m)
	case *image.Paletted:
		return paletted(out, m)
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl := flat(img.At(x, y))
			out = append(out, r, g, bl)
		}
	}
	return out
}

// overWhite is v·a + 255·(1−a) for an alpha of 0 to 255, rounded.
func overWhite(v uint8, a uint32) uint8 { return uint8((uint32(v)*a + 255*(255-a) + 127) / 255) }

// flat is any colour over white.
func flat(c color.Color) (r, g, b uint8) {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	a := uint32(n.A)
	return overWhite(n.R, a), overWhite(n.G, a), overWhite(n.B, a)
}

// premultiplied reads colours that are multiplied by their alpha already; nearly all are opaque.
func premultiplied(out []uint8, m *image.RGBA) []uint8 {
	b := m.Rect
	for y := b.Min.Y; y < b.Max.Y; y++ {
		row := m.Pix[m.PixOffset(b.Min.X, y):][:4*b.Dx()]
		for x := 0; x < len(row); x += 4 {
			r, g, bl, a := row[x], row[x+1], row[x+2], row[x+3]
			if a != 255 {
				r, g, bl = flat(color.RGBA{r, g, bl, a})
			}
			out = append(out, r, g, bl)
		}
	}
	return out
}

func ycbcr(out []uint8, m *image.YCbCr) []uint8 {
	b := m.Rect
	shift := 0 // from a column to its chroma sample
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420:
		shift = 1
	case image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410:
		shift = 2
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		row := m.Y[m.YOffset(b.Min.X, y):][:b.Dx()]
		c := m.COffset(b.Min.X, y) - b.Min.X>>shift
		for i, v := range row {
			at := c + (b.Min.X+i)>>shift
			r, g, bl := color.YCbCrToRGB(v, m.Cb[at], m.Cr[at])
			out = append(out, r, g, bl)
		}
	}
	return out
}

func paletted(out []uint8, m *image.Paletted) []uint8 {
	var table [256][3]uint8 // an index beyond the palette is white
	for i := range table {
		table[i] = [3]uint8{255, 255, 255}
		if i < len(m.Palette) {
			r, g, b := flat(m.Palette[i])
			table[i] = [3]uint8{r, g, b}
		}
	}
	b := m.Rect
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for _, i := range m.Pix[m.PixOffset(b.Min.X, y):][:b.Dx()] {
			out = append(out, table[i][:]...)
		}
	}
	return out
}

// Image is the picture as a standard image, for encoders.
func (p *Picture) Image() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, p.W, p.H))
	for i := range p.W * p.H {
		copy(img.Pix[4*i:], p.Pix[3*i:3*i+3])
		img.Pix[4*i+3] = 255
	}
	return img
}
