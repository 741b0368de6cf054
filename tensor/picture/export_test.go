package picture

import "image"

// FromImage makes a picture of a standard image, over white.
func FromImage(img image.Image) *Picture {
	b := img.Bounds()
	return &Picture{W: b.Dx(), H: b.Dy(), Pix: pixels(img), Orientation: 1}
}
