package synth

import (
	"bytes"
	stdimage "image"
	stdcolor "image/color"
	"image/jpeg"
	"image/png"
	"os"
)

// encoder is the size and the file format of a pair of pictures, one of each class.
type encoder struct {
	w, h    int
	quality int // of JPEG, with 4:2:0 subsampling; 0 for PNG
}

// sides are what pictures measure.
var sides = []int{96, 112, 128, 144, 160}

// pairNode keeps what a pair shares apart from what its pictures draw.
const pairNode = 100

// encoderOf draws the format of a pair: three in four are JPEG of good quality.
func encoderOf(seed uint64, index int) encoder {
	r := newRand(seed, uint32(index), pairNode)
	e := encoder{w: sides[r.int(len(sides))], h: sides[r.int(len(sides))]}
	if r.float() < 0.75 {
		e.quality = 88 + r.int(11)
	}
	return e
}

func (e encoder) ext() string {
	if e.quality == 0 {
		return ".png"
	}
	return ".jpg"
}

func (e encoder) write(path string, rgb []uint8) error {
	img := stdimage.NewRGBA(stdimage.Rect(0, 0, e.w, e.h))
	for i := range e.w * e.h {
		copy(img.Pix[4*i:], rgb[3*i:3*i+3])
		img.Pix[4*i+3] = 255
	}
	var buf bytes.Buffer
	var err error
	if e.quality == 0 {
		err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&buf, img)
	} else {
		err = jpeg.Encode(&buf, img, &jpeg.Options{Quality: e.quality})
	}
	if err != nil {
		return err
	}
	return os.WriteFile(path, buf.Bytes(), 0o644) // no sync: what is lost can be rendered again
}

// writeMask stores a mask as a grey PNG: white is generated.
func writeMask(path string, mask []float32, w, h int) error {
	img := stdimage.NewGray(stdimage.Rect(0, 0, w, h))
	for i, v := range mask {
		img.SetGray(i%w, i/w, stdcolor.Gray{Y: uint8(v*255 + 0.5)})
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		return err
	}
	return os.WriteFile(path, buf.Bytes(), 0o644)
}
