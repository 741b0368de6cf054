package degrade

import (
	"bytes"
	"image/jpeg"
	"math"

	"truegrain/kernels"
	"truegrain/tensor/picture"
)

// EncodeJPEG is a picture as the bytes of a JPEG of a quality, 1 to 100 (4:2:0, as most cameras and all of
// the web have it).
func EncodeJPEG(p *picture.Picture, quality int) ([]byte, error) {
	var b bytes.Buffer
	err := jpeg.Encode(&b, p.Image(), &jpeg.Options{Quality: quality})
	return b.Bytes(), err
}

// JPEG is what is left of a picture in a JPEG of a quality.
func JPEG(p *picture.Picture, quality int) (*picture.Picture, error) {
	src, err := EncodeJPEG(p, quality)
	if err != nil {
		return nil, err
	}
	return picture.Decode(src)
}

func throughJPEG(quality int) func(*picture.Picture, uint64) (*picture.Picture, error) {
	return func(p *picture.Picture, _ uint64) (*picture.Picture, error) { return JPEG(p, quality) }
}

func throughWebP(quality int) func(*picture.Picture, uint64) (*picture.Picture, error) {
	return func(p *picture.Picture, _ uint64) (*picture.Picture, error) { return WebP(p, quality) }
}

// scaled resizes a picture by a factor.
func scaled(by float64) func(*picture.Picture, uint64) (*picture.Picture, error) {
	return func(p *picture.Picture, _ uint64) (*picture.Picture, error) {
		side := func(n int) int { return max(1, int(math.Round(float64(n)*by))) }
		return p.Resize(side(p.W), side(p.H)), nil
	}
}

// lowResolution shrinks a picture until its shorter side has n pixels, and enlarges it again.
func lowResolution(n int) func(*picture.Picture, uint64) (*picture.Picture, error) {
	return func(p *picture.Picture, seed uint64) (*picture.Picture, error) {
		short := min(p.W, p.H)
		if short <= n {
			return p, nil
		}
		small, err := scaled(float64(n)/float64(short))(p, seed)
		if err != nil {
			return nil, err
		}
		return small.Resize(p.W, p.H), nil
	}
}

// middle keeps the middle share of both sides.
func middle(share float64) func(*picture.Picture, uint64) (*picture.Picture, error) {
	return func(p *picture.Picture, _ uint64) (*picture.Picture, error) {
		w, h := max(1, int(float64(p.W)*share)), max(1, int(float64(p.H)*share))
		return p.Crop((p.W-w)/2, (p.H-h)/2, w, h), nil
	}
}

// Noise adds normal noise of a standard deviation in 255ths (Box & Muller 1958), keyed by seed and place.
func Noise(p *picture.Picture, deviation float64, seed uint64) *picture.Picture {
	const node = 0x9015e
	rng := kernels.NewPhilox(seed)
	out := p.Crop(0, 0, p.W, p.H)
	for i := 0; i < len(out.Pix); i += 4 {
		w := rng.Block([4]uint32{uint32(i / 4), 0, node})
		for k, z := range [2][2]uint32{{w[0], w[1]}, {w[2], w[3]}} {
			radius := deviation * math.Sqrt(-2*math.Log(float64(z[0]>>8+1)/(1<<24)))
			sin, cos := math.Sincos(2 * math.Pi * float64(z[1]) / (1 << 32))
			for j, v := range [2]float64{radius * cos, radius * sin} {
				if at := i + 2*k + j; at < len(out.Pix) {
					out.Pix[at] = uint8(min(max(math.Round(float64(out.Pix[at])+v), 0), 255))
				}
			}
		}
	}
	return out
}

func noisy(deviation float64) func(*picture.Picture, uint64) (*picture.Picture, error) {
	return func(p *picture.Picture, seed uint64) (*picture.Picture, error) {
		return Noise(p, deviation, seed),
			nil
	}
}

func blurred(deviation float64) func(*picture.Picture, uint64) (*picture.Picture, error) {
	return func(p *picture.Picture, _ uint64) (*picture.Picture, error) { return Blur(p, deviation), nil }
}

// bell is the weights of a Gaussian, cut off at three standard deviations.
func bell(deviation float64) []float32 {
	reach := int(math.Ceil(3 * deviation))
	weights := make([]float32, 2*reach+1)
	var sum float64
	for i := range weights {
		x := float64(i - reach)
		v := math.Exp(-x * x / (2 * deviation * deviation))
		weights[i] = float32(v)
		sum += v
	}
	for i := range weights {
		weights[i] /= float32(sum)
	}
	return weights
}

// Blur is a Gaussian blur of a standard deviation in pixels; the border repeats.
func Blur(p *picture.Picture, deviation float64) *picture.Picture {
	weights := bell(deviation)
	reach := len(weights) / 2
	out := p.Crop(0, 0, p.W, p.H)
	rows := make([]float32, len(p.Pix))
	for y := range p.H {
		for x := range p.W {
			for k, w := range weights {
				at := 3 * (y*p.W + min(max(x+k-reach, 0), p.W-1))
				for c := range 3 {
					rows[3*(y*p.W+x)+c] += w * float32(p.Pix[at+c])
				}
			}
		}
	}
	line := make([]float32, 3*p.W)
	for y := range p.H {
		clear(line)
		for k, w := range weights {
			for i, v := range rows[3*p.W*min(max(y+k-reach, 0), p.H-1):][:3*p.W] {
				line[i] += w * v
			}
		}
		for i, v := range line {
			out.Pix[3*p.W*y+i] = uint8(min(max(v+0.5, 0), 255))
		}
	}
	return out
}
