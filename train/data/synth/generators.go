package synth

import "math"

// Generator is a stand-in for a family of picture generators: what its decoder leaves in a picture.
type Generator struct {
	Name    string
	HeldOut bool // in test alone: what a detector has never seen
	leave   func(r *rand, m *image)
}

// Generators are the eight fingerprints.
var Generators = []Generator{
	{"deconv2", false, func(r *rand, m *image) { m.transposed(r, 2) }},
	{"deconv4", false, func(r *rand, m *image) { m.transposed(r, 4) }},
	{"nearest", false, func(r *rand, m *image) { m.upsampled(r, nearest) }},
	{"bilinear", false, func(r *rand, m *image) { m.upsampled(r, linear) }},
	{"peaks", false, func(r *rand, m *image) { m.peaks(r) }},
	{"patches", false, func(r *rand, m *image) { m.patches(r, 8) }},
	{"denoised", false, func(r *rand, m *image) { m.denoised(r) }},
	{"grain", true, func(r *rand, m *image) { m.grain(r) }},
}

// generated sees a scene through a generator: no lens and no sensor, the tone curve of photographs, and the
// fingerprint.
func generated(r *rand, scene *image, g Generator) *image {
	scene.blur(r.in(0.3, 0.6))
	scene.encode()
	g.leave(r, scene)
	scene.sharpen(r.in(0, 0.3))
	if r.float() < 0.5 { // half of them imitate grain, so that a lack of noise alone gives nobody away
		sigma := r.in(0.004, 0.014)
		for c := range scene.c {
			for i := range scene.c[c] {
				scene.c[c][i] += sigma * r.normal()
			}
		}
	}
	return scene
}

// transposed is the checkerboard of a transposed convolution whose kernel is no multiple of its stride (Odena
// et al. 2016): some pixels gather more contributions than others.
func (m *image) transposed(r *rand, stride int) {
	m.shrink(2)
	phase := make([]float32, stride*stride)
	for i := range phase {
		phase[i] = 1 + r.in(0.012, 0.035)*float32(1-2*((i%stride+i/stride)&1))
	}
	for c := range m.c {
		for i := range m.c[c] {
			m.c[c][i] *= phase[i/m.w%stride*stride+i%m.w%stride]
		}
	}
}

// How upsampled fills in: by repeating a pixel, or between two.
type filling int

const (
	nearest filling = iota
	linear
)

// upsampled halves the picture and doubles it again, then convolves a little, as decoders do.
func (m *image) upsampled(r *rand, f filling) {
	if f == linear {
		m.shrink(2)
		return
	}
	for c := range m.c {
		plane := m.c[c]
		for y := 0; y+1 < m.h; y += 2 {
			for x := 0; x+1 < m.w; x += 2 {
				i := y*m.w + x
				mean := (plane[i] + plane[i+1] + plane[i+m.w] + plane[i+m.w+1]) / 4
				plane[i], plane[i+1], plane[i+m.w], plane[i+m.w+1] = mean, mean, mean, mean
			}
		}
	}
	m.blur(r.in(0.35, 0.5))
}

// shrink halves the picture and doubles it bilinearly: what has no pixels finer than its latent.
func (m *image) shrink(factor int) {
	w, h := (m.w+factor-1)/factor, (m.h+factor-1)/factor
	small := make([]float32, w*h)
	for c := range m.c {
		clear(small)
		for y := range h {
			for x := range w {
				var n float32
				for v := y * factor; v < min(m.h, (y+1)*factor); v++ {
					for u := x * factor; u < min(m.w, (x+1)*factor); u++ {
						small[y*w+x] += m.c[c][v*m.w+u]
						n++
					}
				}
				small[y*w+x] /= n
			}
		}
		for i := range m.c[c] {
			m.c[c][i] = between(small, w, h, float32(i%m.w)/float32(factor)-0.25,
				float32(i/m.w)/float32(factor)-0.25)
		}
	}
}

// between is a plane at a place between its pixels.
func between(p []float32, w, h int, x, y float32) float32 {
	x, y = min(max(x, 0), float32(w-1)), min(max(y, 0), float32(h-1))
	x0, y0 := int(x), int(y)
	x1, y1 := min(x0+1, w-1), min(y0+1, h-1)
	tx, ty := x-float32(x0), y-float32(y0)
	a := p[y0*w+x0] + tx*(p[y0*w+x1]-p[y0*w+x0])
	b := p[y1*w+x0] + tx*(p[y1*w+x1]-p[y1*w+x0])
	return a + ty*(b-a)
}

// peaks adds weak waves at the frequencies of upsampling by 4 and 8 (Durall et al. 2020).
func (m *image) peaks(r *rand) {
	for range 3 {
		period := [...]float64{2, 4, 8}[r.int(3)]
		fx, fy := 2*math.Pi/period*float64(r.int(2)), 2*math.Pi/period
		amplitude, phase := r.in(0.006, 0.014), float64(r.in(0, 2*math.Pi))
		for i := range m.c[0] {
			wave := amplitude * float32(math.Cos(fx*float64(i%m.w)+fy*float64(i/m.w)+phase))
			for c := range m.c {
				m.c[c][i] += wave
			}
		}
	}
}

// patches is a decoder that works patch by patch: each is a little off in tone, and loses its finest detail.
func (m *image) patches(r *rand, side int) {
	m.blur(r.in(0.5, 0.8))
	wide := (m.w + side - 1) / side
	off := make([]color, wide*((m.h+side-1)/side))
	for i := range off {
		base := 0.012 * r.normal()
		off[i] = color{base + 0.005*r.normal(), base + 0.005*r.normal(), base + 0.005*r.normal()}
	}
	for c := range m.c {
		for i := range m.c[c] {
			m.c[c][i] += off[i/m.w/side*wide+i%m.w/side][c]
		}
	}
}

// denoised is a generator that learned from noise to leave none: flat places are flat to the last bit.
func (m *image) denoised(r *rand) {
	levels := r.in(90, 160)
	for c := range m.c {
		for i, v := range m.c[c] {
			m.c[c][i] = float32(math.Round(float64(v*levels))) / levels
		}
	}
	m.blur(r.in(0.45, 0.7))
}

// grain adds noise that no sensor makes: white, and the same in all three colours.
func (m *image) grain(r *rand) {
	m.shrink(2)
	sigma := r.in(0.004, 0.012)
	for i := range m.c[0] {
		n := sigma * r.normal()
		for c := range m.c {
			m.c[c][i] += n
		}
	}
}
