package picture

import (
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/require"
)

// slow hides an image's type, so that it goes pixel by pixel.
type slow struct{ image.Image }

// The quick ways through the kinds of images give what the slow one gives, also of a part of an image.
func TestQuickPixelsAreTheSlowOnes(t *testing.T) {
	bounds := image.Rect(0, 0, 13, 7)
	var images []image.Image
	for r := image.YCbCrSubsampleRatio444; r <= image.YCbCrSubsampleRatio410; r++ {
		m := image.NewYCbCr(bounds, r)
		for _, plane := range [][]uint8{m.Y, m.Cb, m.Cr} {
			scribble(plane)
		}
		images = append(images, m, m.SubImage(image.Rect(4, 2, 12, 7)))
	}
	grey, rgba, nrgba := image.NewGray(bounds), image.NewRGBA(bounds), image.NewNRGBA(bounds)
	pal := image.NewPaletted(bounds, color.Palette{color.NRGBA{1, 2, 3, 255}, color.NRGBA{200, 100, 0, 128}})
	for i := range pal.Pix {
		pal.Pix[i] = uint8(i % 2)
	}
	for _, plane := range [][]uint8{grey.Pix, rgba.Pix, nrgba.Pix} {
		scribble(plane)
	}
	for i := 0; i < len(rgba.Pix); i += 4 { // a premultiplied colour is at most its alpha
		a := []uint8{255, 255, 0, 90}[i/4%4]
		rgba.Pix[i+3] = a
		for c := range 3 {
			rgba.Pix[i+c] = min(rgba.Pix[i+c], a)
		}
	}
	for _, m := range []image.Image{grey, rgba, nrgba, pal} {
		part := m.(interface {
			SubImage(image.Rectangle) image.Image
		}).SubImage(image.Rect(3, 1, 11, 6))
		images = append(images, m, part)
	}
	for _, m := range images {
		require.Equal(t, pixels(slow{m}), pixels(m), "%T %v", m, m.Bounds())
	}
}

func scribble(b []uint8) {
	for i := range b {
		b[i] = uint8(i*i*7 + 31*i)
	}
}
