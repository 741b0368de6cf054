package synth

import "math"

// photograph sees a scene through a camera: the lens blurs, the sensor samples one colour a pixel through a
// Bayer filter with shot and read noise and 12 bits, the missing colours are interpolated, and the result is
// gamma encoded and slightly sharpened.
func photograph(r *rand, scene *image) *image {
	scene.blur(r.in(0.3, 0.6))
	shot, read := r.in(0.0008, 0.0025), r.in(0.002, 0.006)
	gains := color{r.in(0.45, 0.7), 1, r.in(0.5, 0.75)} // what white is to the sensor; undone behind it
	w, h := scene.w, scene.h
	raw := make([]float32, w*h)
	for i := range raw {
		c := bayer(i%w, i/w)
		v := scene.c[c][i] * gains[c]
		v += float32(math.Sqrt(float64(shot*v+read*read))) * r.normal()
		raw[i] = float32(math.Round(float64(min(max(v, 0), 1))*4095)) / 4095 / gains[c]
	}
	out := demosaic(raw, w, h)
	out.encode()
	out.sharpen(r.in(0, 0.5))
	return out
}

// bayer is the colour of a sensor's pixel: RGGB.
func bayer(x, y int) int { return x&1 + y&1 }

// demosaic fills in the colours by the filters of Malvar, He & Cutler (2004): bilinear, corrected by the
// Laplacian of the colour that is there.
func demosaic(raw []float32, w, h int) *image {
	at := func(x, y int) float32 { // mirrored at the border, so that colours stay on their pixels
		return raw[mirror(y, h)*w+mirror(x, w)]
	}
	out := newImage(w, h)
	for y := range h {
		for x := range w {
			i, v := y*w+x, at(x, y)
			n, s, e, o := at(x, y-1), at(x, y+1), at(x+1, y), at(x-1, y)
			n2, s2, e2, o2 := at(x, y-2), at(x, y+2), at(x+2, y), at(x-2, y)
			diag := at(x-1, y-1) + at(x+1, y-1) + at(x-1, y+1) + at(x+1, y+1)
			if bayer(x, y) != 1 { // red or blue
				here, there := bayer(x, y), 2-bayer(x, y)
				out.c[here][i] = v
				out.c[1][i] = (n+s+e+o)/4 + (4*v-n2-s2-e2-o2)/8
				out.c[there][i] = diag/4 + (6*v-1.5*(n2+s2+e2+o2))/8
				continue
			}
			row := 2 * (y & 1) // the colour beside green on this row
			out.c[1][i] = v
			out.c[row][i] = (e+o)/2 + (5*v-(e2+o2)-diag+(n2+s2)/2)/8
			out.c[2-row][i] = (n+s)/2 + (5*v-(n2+s2)-diag+(e2+o2)/2)/8
		}
	}
	return out
}

func mirror(i, n int) int {
	if i < 0 {
		i = -i
	}
	if i >= n {
		i = 2*(n-1) - i
	}
	return i
}

// encode is the sRGB curve (IEC 61966-2-1).
func (m *image) encode() {
	for c := range m.c {
		for i, v := range m.c[c] {
			m.c[c][i] = srgb(v)
		}
	}
}

// srgbTable is the curve at 4096 points: eight bits come of it in the end.
var srgbTable = func() (t [4097]float32) {
	for i := range t {
		v := float64(i) / 4096
		if v <= 0.0031308 {
			t[i] = float32(12.92 * v)
		} else {
			t[i] = float32(1.055*math.Pow(v, 1/2.4) - 0.055)
		}
	}
	return t
}()

func srgb(v float32) float32 {
	x := min(max(v, 0), 1) * 4096
	i := min(int(x), 4095)
	return srgbTable[i] + (x-float32(i))*(srgbTable[i+1]-srgbTable[i])
}

// blur is a Gaussian of the given deviation in pixels, along rows and columns, edges repeated.
func (m *image) blur(sigma float32) {
	radius := int(math.Ceil(float64(3 * sigma)))
	kernel := make([]float32, 2*radius+1)
	var sum float32
	for i := range kernel {
		d := float32(i-radius) / sigma
		kernel[i] = float32(math.Exp(float64(-d * d / 2)))
		sum += kernel[i]
	}
	for i := range kernel {
		kernel[i] /= sum
	}
	for c := range m.c {
		m.c[c] = convolve(convolve(m.c[c], m.w, m.h, kernel), m.h, m.w, kernel)
	}
}

// convolve filters the rows of a plane and transposes it: twice is rows and columns.
func convolve(plane []float32, w, h int, kernel []float32) []float32 {
	radius := len(kernel) / 2
	out := make([]float32, len(plane))
	for y := range h {
		row := plane[y*w:][:w]
		for x := range w {
			var s float32
			for k, f := range kernel {
				s += f * row[min(max(x+k-radius, 0), w-1)]
			}
			out[x*h+y] = s
		}
	}
	return out
}

// sharpen is unsharp masking.
func (m *image) sharpen(amount float32) {
	soft := m.clone()
	soft.blur(0.8)
	for c := range m.c {
		for i, v := range m.c[c] {
			m.c[c][i] = v + amount*(v-soft.c[c][i])
		}
	}
}
