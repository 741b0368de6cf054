package webp

import (
	"bytes"
	"image"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/webp"
)

// scene is a picture with edges, slopes and noise.
func scene(w, h int) []uint8 {
	out := make([]uint8, 0, 3*w*h)
	seed := uint32(1)
	for y := range h {
		for x := range w {
			seed = seed*1664525 + 1013904223
			v := 128 + 60*math.Sin(float64(x)/7) + 40*math.Cos(float64(y)/11) + float64(seed>>28)
			if (x/20+y/30)%3 == 0 {
				v = 255 - v
			}
			out = append(out, uint8(v), uint8(v/2+40), uint8(255-v))
		}
	}
	return out
}

// What a decoder has before its loop filter is what the encoder predicts from, at every quantiser and at
// sizes that are no multiples of a macroblock: without the filter it is the decoded picture itself.
func TestDecoderAgrees(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {16, 16}, {17, 15}, {75, 130}} {
		w, h := size[0], size[1]
		for q := 0; q < 128; q += 7 {
			e := newEncoder(w, h, scene(w, h), q, 0)
			e.frame()
			img, err := webp.Decode(bytes.NewReader(e.file()))
			require.NoError(t, err)
			got := img.(*image.YCbCr)
			require.Equal(t, image.Rect(0, 0, w, h), got.Rect)
			for y := range h {
				require.Equal(t, e.planes[0].rec[y*e.planes[0].stride:][:w], got.Y[y*got.YStride:][:w],
					"row %d", y)
			}
			for y := range (h + 1) / 2 {
				n := (w + 1) / 2
				require.Equal(t, e.planes[1].rec[y*e.planes[1].stride:][:n], got.Cb[y*got.CStride:][:n])
				require.Equal(t, e.planes[2].rec[y*e.planes[2].stride:][:n], got.Cr[y*got.CStride:][:n])
			}
		}
	}
}

// A higher quality costs more bytes and comes nearer; the worst is still the picture.
func TestQuality(t *testing.T) {
	const w, h = 224, 224
	rgb := scene(w, h)
	lastBytes, lastPSNR := 0, 0.0
	for _, quality := range []int{5, 30, 60, 80, 95, 100} {
		src, err := Encode(w, h, rgb, quality)
		require.NoError(t, err)
		img, err := webp.Decode(bytes.NewReader(src))
		require.NoError(t, err)
		e := newEncoder(w, h, rgb, 0, 0)
		var off float64
		for i, v := range e.planes[0].src {
			d := float64(v) - float64(img.(*image.YCbCr).Y[i/w*img.(*image.YCbCr).YStride+i%w])
			off += d * d
		}
		psnr := 10 * math.Log10(255*255*w*h/off)
		t.Logf("quality %d: %d bytes, %.1f dB", quality, len(src), psnr)
		require.Greater(t, len(src), lastBytes)
		require.Greater(t, psnr, max(lastPSNR, 20))
		lastBytes, lastPSNR = len(src), psnr
	}
}

func TestEncodeRefusesNonsense(t *testing.T) {
	for _, bad := range [][4]int{{0, 1, 0, 5}, {1, 16384, 3 * 16384, 5}, {2, 2, 11, 5}, {1, 1, 3, 101},
		{1, 1, 3, -1}} {
		_, err := Encode(bad[0], bad[1], make([]uint8, bad[2]), bad[3])
		require.Error(t, err)
	}
}

// Whatever the pixels, a decoder reads what was written.
func FuzzEncode(f *testing.F) {
	f.Add(uint8(17), uint8(80), []byte("any bytes"))
	f.Add(uint8(1), uint8(0), []byte{0, 255, 0, 0, 255, 255, 0, 255})
	f.Fuzz(func(t *testing.T, width, quality uint8, pixels []byte) {
		w := int(width)%40 + 1
		rgb := make([]uint8, 0, 3*w*24)
		for i := range cap(rgb) {
			rgb = append(rgb, uint8(i*i>>3))
			if len(pixels) > 0 {
				rgb[i] ^= pixels[i%len(pixels)]
			}
		}
		src, err := Encode(w, 24, rgb, int(quality)%101)
		require.NoError(t, err)
		img, err := webp.Decode(bytes.NewReader(src))
		require.NoError(t, err)
		require.Equal(t, image.Rect(0, 0, w, 24), img.Bounds())
	})
}

func BenchmarkEncode(b *testing.B) {
	rgb := scene(224, 224)
	for b.Loop() {
		_, err := Encode(224, 224, rgb, 80)
		require.NoError(b, err)
	}
}
