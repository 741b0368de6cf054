package picture_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"

	"truegrain/tensor"
	"truegrain/tensor/picture"
)

// corner is 32×16 grey with a red upper left quarter and a blue upper right one: it looks different every way
// up.
func corner() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, 32, 16))
	for y := range 16 {
		for x := range 32 {
			c := color.NRGBA{128, 128, 128, 255}
			switch {
			case y < 8 && x < 16:
				c = color.NRGBA{220, 20, 20, 255}
			case y < 8:
				c = color.NRGBA{20, 20, 220, 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func encoded(t testing.TB, format string, img image.Image) []byte {
	var b bytes.Buffer
	var err error
	switch format {
	case "jpeg":
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: 95})
	case "png":
		err = png.Encode(&b, img)
	case "gif":
		err = gif.Encode(&b, img, nil)
	case "bmp":
		err = bmp.Encode(&b, img)
	}
	require.NoError(t, err)
	return b.Bytes()
}

func TestFormatsByContent(t *testing.T) {
	dir := t.TempDir()
	for _, format := range []string{"jpeg", "png", "gif", "bmp"} {
		path := filepath.Join(dir, format+".txt") // the name says nothing
		require.NoError(t, os.WriteFile(path, encoded(t, format, corner()), 0o644))
		p, err := picture.Open(path)
		require.NoError(t, err)
		require.Equal(t, format, p.Format)
		require.Equal(t, []int{32, 16}, []int{p.W, p.H})
		requireNear(t, p, 4, 4, 220, 20, 20)
		requireNear(t, p, 27, 4, 20, 20, 220)
		requireNear(t, p, 4, 12, 128, 128, 128)
	}
}

func requireNear(t *testing.T, p *picture.Picture, x, y int, r, g, b float64) {
	t.Helper()
	px := p.Pix[3*(y*p.W+x):][:3]
	for i, want := range []float64{r, g, b} {
		require.InDelta(t, want, float64(px[i]), 25, "pixel (%d,%d)", x, y)
	}
}

// turned is the picture as a camera stores it that was held so that orientation o undoes it.
func turned(o int) image.Image {
	src := corner()
	w, h := 32, 16
	if o >= 5 {
		w, h = h, w
	}
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			sx, sy := x, y // where stored pixel (x,y) belongs upright: EXIF 2.32, table of orientations
			switch o {
			case 2:
				sx = w - 1 - x
			case 3:
				sx, sy = w-1-x, h-1-y
			case 4:
				sy = h - 1 - y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = h-1-y, x
			case 7:
				sx, sy = h-1-y, w-1-x
			case 8:
				sx, sy = y, w-1-x
			}
			out.Set(x, y, src.At(sx, sy))
		}
	}
	return out
}

func TestOrientations(t *testing.T) {
	for o := 1; o <= 8; o++ {
		exif := []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00")
		exif = append(exif, byte(o), 0, 0, 0, 0, 0, 0)
		data := encoded(t, "jpeg", turned(o))
		segment := binary.BigEndian.AppendUint16([]byte{0xFF, 0xE1}, uint16(len(exif)+2))
		data = bytes.Join([][]byte{data[:2], segment, exif, data[2:]}, nil)
		p, err := picture.Decode(data)
		require.NoError(t, err)
		require.Equal(t, o, p.Orientation)
		require.Equal(t, []int{32, 16}, []int{p.W, p.H}, "orientation %d", o)
		requireNear(t, p, 4, 4, 220, 20, 20)
		requireNear(t, p, 27, 4, 20, 20, 220)
	}
}

func TestTruncatedPicturesAreErrors(t *testing.T) {
	for _, format := range []string{"jpeg", "png", "gif", "bmp"} {
		data := encoded(t, format, corner())
		for _, n := range []int{1, 10, len(data) / 3, len(data) * 2 / 3, len(data) - 20} {
			_, err := picture.Decode(data[:n])
			var e *picture.Error
			require.ErrorAs(t, err, &e, "%s cut at %d of %d", format, n, len(data))
		}
	}
}

// chunk is a PNG chunk.
func chunk(kind string, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(append(b, kind...), body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

func TestHostileHeaders(t *testing.T) {
	big := binary.BigEndian.AppendUint32
	ihdr := func(w, h uint32) []byte { return append(big(big(nil, w), h), 8, 2, 0, 0, 0) }
	sof := func(w, h uint16) []byte {
		b := []byte{0xFF, 0xD8, 0xFF, 0xC0, 0, 17, 8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), 3, 1,
			0x22, 0, 2, 0x11, 1, 3, 0x11, 1}
		return append(b, 0xFF, 0xD9)
	}
	scans := append([]byte{}, sof(8, 8)[:21]...)
	for range 101 {
		scans = append(scans, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0x55)
	}
	bitmap := append([]byte("BM"), make([]byte, 60)...)
	binary.LittleEndian.PutUint32(bitmap[14:], 40)
	binary.LittleEndian.PutUint32(bitmap[18:], 60000)
	binary.LittleEndian.PutUint32(bitmap[22:], 60000)
	binary.LittleEndian.PutUint16(bitmap[28:], 24)
	webp := []byte("RIFF\x1e\x00\x00\x00WEBPVP8L\x11\x00\x00\x00\x2f\xff\xff\xff\x0f\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	png1 := []byte("\x89PNG\r\n\x1a\n")
	for _, c := range []struct {
		name string
		data []byte
		want error
	}{
		{"JPEG of 65535 × 65535", sof(65535, 65535), picture.ErrTooLarge},
		{"JPEG of 101 scans", append(scans, 0xFF, 0xD9), picture.ErrTooLarge},
		{"JPEG of no pixels", sof(0, 8), picture.ErrBroken},
		{"PNG of 65535 × 65535", bytes.Join([][]byte{png1, chunk("IHDR", ihdr(65535, 65535)),
			chunk("IDAT", make([]byte, 1<<24)), chunk("IEND", nil)}, nil), picture.ErrTooLarge},
		{"PNG without data", bytes.Join([][]byte{png1, chunk("IHDR", ihdr(5000, 5000)), chunk("IDAT", nil),
			chunk("IEND", nil)}, nil), picture.ErrTruncated},
		{"PNG without header", bytes.Join([][]byte{png1, chunk("IDAT", nil), chunk("IEND", nil)}, nil),
			picture.ErrBroken},
		{"GIF of 65535 × 65535", []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x00;"), picture.ErrTooLarge},
		{"BMP of 60000 × 60000", bitmap, picture.ErrTruncated},
		{"WebP of 16384 × 16384", webp, picture.ErrTooLarge},
		{"words", []byte("not a picture at all, only words"), picture.ErrNotAPicture},
		{"nothing", nil, picture.ErrEmpty},
	} {
		_, err := picture.Decode(c.data)
		require.ErrorIs(t, err, c.want, "%s: %v", c.name, err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	_, err := picture.Open(dir)
	require.ErrorIs(t, err, picture.ErrFolder)
	_, err = picture.Open(filepath.Join(dir, "none.jpg"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "none.jpg: no such file")
	path := filepath.Join(dir, "large.png")
	require.NoError(t, os.WriteFile(path, encoded(t, "png", corner()), 0o644))
	l := picture.DefaultLimits
	l.Pixels = 100
	_, err = picture.OpenLimits(path, l)
	require.ErrorIs(t, err, picture.ErrTooLarge)
	require.ErrorContains(t, err, "32 × 16")
}

func TestTransparencyIsWhite(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	img.SetNRGBA(0, 0, color.NRGBA{200, 0, 0, 0})
	img.SetNRGBA(1, 0, color.NRGBA{255, 0, 0, 128})
	p, err := picture.Decode(encoded(t, "png", img))
	require.NoError(t, err)
	require.Equal(t, []uint8{255, 255, 255, 255, 127, 127}, p.Pix)
}

func TestGridCoversEveryPixel(t *testing.T) {
	for _, c := range [][3]int{{1024, 768, 64}, {100, 70, 64}, {64, 64, 64}, {10, 200, 64}, {65, 129, 64}} {
		w, h, size := c[0], c[1], c[2]
		seen := make([]bool, w*h)
		for _, at := range picture.Grid(w, h, size, 1000) {
			require.LessOrEqual(t, at.X+min(size, w), w)
			for y := at.Y; y < min(at.Y+size, h); y++ {
				for x := at.X; x < min(at.X+size, w); x++ {
					seen[y*w+x] = true
				}
			}
		}
		require.NotContains(t, seen, false, "%v", c)
	}
	require.LessOrEqual(t, len(picture.Grid(5000, 4000, 64, 192)), 192)
	require.Equal(t, []image.Point{{X: 2468, Y: 1968}}, picture.Grid(5000, 4000, 64, 1),
		"one crop lies in the middle")
}

func TestCropPadFlip(t *testing.T) {
	p := picture.FromImage(corner())
	c := p.Crop(16, 0, 4, 3)
	requireNear(t, c, 0, 0, 20, 20, 220)
	padded := c.PadTo(6, 5)
	require.Equal(t, []int{6, 5}, []int{padded.W, padded.H})
	requireNear(t, padded, 5, 4, 0, 0, 0)
	require.Equal(t, p.Pix, picture.FromImage(corner()).FlipH().FlipH().Pix)
	require.Equal(t, p.Pix, picture.FromImage(corner()).FlipV().FlipV().Pix)
	requireNear(t, picture.FromImage(corner()).FlipH(), 4, 4, 20, 20, 220)
	requireNear(t, picture.FromImage(corner()).FlipV(), 4, 12, 220, 20, 20)
	require.Error(t, tensor.Catch(func() { p.Crop(30, 0, 4, 4) }))
}

func TestResizeKeepsTheMean(t *testing.T) {
	p := picture.FromImage(corner())
	mean := func(p *picture.Picture) (s float64) {
		for _, v := range p.Pix {
			s += float64(v) / float64(len(p.Pix))
		}
		return s
	}
	for _, size := range [][2]int{{16, 8}, {7, 5}, {64, 48}, {1, 1}} {
		q := p.Resize(size[0], size[1])
		require.Len(t, q.Pix, 3*size[0]*size[1])
		require.InDelta(t, mean(p), mean(q), 6, "%v", size)
	}
	flat := &picture.Picture{W: 5, H: 5, Pix: bytes.Repeat([]byte{77}, 75)}
	require.Equal(t, bytes.Repeat([]byte{77}, 3*33*2), flat.Resize(33, 2).Pix, "constant stays constant")
}

func TestBatchNormalises(t *testing.T) {
	p := &picture.Picture{W: 1, H: 1, Pix: []uint8{0, 255, 51}}
	x := picture.Batch([]*picture.Picture{p, p}, [3]float32{0.5, 0.5, 0.2}, [3]float32{0.5, 0.25, 1})
	require.Equal(t, tensor.Shape{2, 1, 1, 3}, x.Shape())
	require.Error(t, tensor.Catch(func() { picture.Batch(nil, [3]float32{}, [3]float32{1, 1, 1}) }))
}

func FuzzDecode(f *testing.F) {
	for _, format := range []string{"jpeg", "png", "gif", "bmp"} {
		f.Add(encoded(f, format, corner()))
	}
	l := picture.DefaultLimits
	l.Pixels = 1 << 20
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := picture.DecodeLimits(data, l)
		if err == nil {
			require.Len(t, p.Pix, 3*p.W*p.H)
		}
	})
}

func BenchmarkDecodeJPEG(b *testing.B) {
	img := image.NewNRGBA(image.Rect(0, 0, 1024, 768))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * 7)
	}
	data := encoded(b, "jpeg", img)
	b.SetBytes(3 * 1024 * 768)
	for b.Loop() {
		if _, err := picture.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

func Example() {
	var file bytes.Buffer
	if err := png.Encode(&file, corner()); err != nil {
		panic(err)
	}
	p, err := picture.Decode(file.Bytes())
	if err != nil {
		panic(err)
	}
	small := p.Resize(16, 8)
	x := picture.Batch([]*picture.Picture{small}, [3]float32{0.5, 0.5, 0.5}, [3]float32{0.5, 0.5, 0.5})
	fmt.Println(p.Format, p.W, p.H, x.Shape())
	// Output: png 32 16 [1 8 16 3]
}
