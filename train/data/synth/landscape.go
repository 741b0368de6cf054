package synth

import "math"

// drawLandscape paints what people photograph: a sky with a sun and clouds, ridges that fade into the haze
// with their distance, and water that mirrors them.
func drawLandscape(r *rand, w, h int) *image {
	m := newImage(w, h)
	l := newLight(r, w, h)
	l.sky(r, m)
	shore := int(float32(h) * r.in(0.62, 0.72))
	const ridges = 5
	for i := range ridges {
		near := float32(i+1) / ridges
		top := float32(shore) * (0.42 + 0.5*near*near) // the nearest one lies lowest
		l.ridge(r, m, top, shore, near)
	}
	m.mirror(r, shore, l)
	l.bank(r, m)
	for c := range m.c {
		for i, v := range m.c[c] {
			m.c[c][i] = min(max(v, 0.001), 1)
		}
	}
	return m
}

// light is what colours a landscape, in linear light.
type light struct {
	zenith, horizon, glow, rock color
	sunX, sunY, size            float32
}

// newLight draws an hour of the day: from morning over noon to evening.
func newLight(r *rand, w, h int) light {
	low := r.float() // how low the sun stands
	return light{
		zenith:  color{0.06 + 0.05*low, 0.13 + 0.02*low, 0.34 - 0.14*low},
		horizon: color{0.5 + 0.25*low, 0.56 - 0.16*low, 0.62 - 0.36*low},
		glow:    color{0.9, 0.62 - 0.2*low, 0.36 - 0.2*low},
		rock:    color{0.07 + r.in(0, 0.03), 0.08 + r.in(0, 0.05), 0.06 + r.in(0, 0.03)},
		sunX:    r.in(0.2, 0.8) * float32(w), sunY: (0.22 + 0.24*low) * float32(h),
		size: float32(min(w, h)),
	}
}

// sky is a gradient, the sun's glow, and clouds that are lit from its side.
func (l light) sky(r *rand, m *image) {
	wide, fine := newNoise(r, m.w, m.h, l.size/3), newNoise(r, m.w, m.h, l.size/11)
	cover := r.in(-0.15, 0.15)
	for y := range m.h {
		t := min(float32(y)/(0.62*float32(m.h)), 1)
		for x := range m.w {
			i := y*m.w + x
			d := float32(math.Hypot(float64(float32(x)-l.sunX), float64(float32(y)-l.sunY))) / l.size
			glow := float32(math.Exp(float64(-5*d)))*0.55 + min(max((0.035-d)*200, 0), 1)
			// clouds are flat: they stretch along the horizon
			at := min(y*2, m.h-1)*m.w + x
			cloud := min(max((wide[at]+0.6*fine[i]-cover)*1.4, 0), 1) * (1 - 0.6*t)
			for c := range m.c {
				base := l.zenith[c] + (l.horizon[c]-l.zenith[c])*t*t
				white := 0.32 + 0.5*l.horizon[c] + 0.15*fine[i]
				v := base + (white-base)*cloud*0.75
				m.c[c][i] = v + (l.glow[c]*1.1-v*0.4)*glow
			}
		}
	}
}

// profile is a ridge's height along the picture: sums of smooth noise, halving with its length.
func profile(r *rand, w int, length, height float32) []float32 {
	out := make([]float32, w)
	for length > 3 {
		from, phase := r.in(-1, 1), r.float()
		to, at := r.in(-1, 1), float32(0)
		for x := range out {
			f := float32(x)/length + phase
			if f-at >= 1 {
				from, to, at = to, r.in(-1, 1), at+1
			}
			out[x] += height * (from + (to-from)*smooth(f-at))
		}
		length, height = length/2, height/1.9
	}
	return out
}

// ridge fills from its profile to the shore, with rock that is lit from the sun's side and fades into the
// haze.
func (l light) ridge(r *rand, m *image, top float32, shore int, near float32) {
	line := profile(r, m.w, l.size*(0.3+0.3*near), l.size*0.13*(1.15-near))
	grain, patches := newNoise(r, m.w, m.h, 2+6*near), newNoise(r, m.w, m.h, l.size*0.05*(0.4+near))
	haze := (1 - near) * (1 - near*0.3)
	for x := range m.w {
		start := top + line[x]
		for y := max(0, int(start)); y < shore; y++ {
			i := y*m.w + x
			a := min(max(float32(y)+1-start, 0), 1) // the edge takes part of a pixel
			right := y*m.w + min(x+3, m.w-1)
			slope := (patches[i] - patches[right]) * 1.6
			if float32(x) < l.sunX {
				slope = -slope
			}
			lit := max(0.35, 1+1.1*slope+0.45*grain[i]+0.5*patches[i])
			foot := min((float32(y)-start)/l.size*2.2, 0.3) // mist gathers at the foot
			for c := range m.c {
				rock := l.rock[c] * lit * (0.75 + 0.5*l.horizon[c])
				v := rock + (0.82*l.horizon[c]-rock)*min(haze+foot*haze*2, 1)
				m.c[c][i] += a * (v - m.c[c][i])
			}
		}
	}
}

// mirror is the water below the shore: what lies above, upside down, broken by waves that grow towards the
// viewer, darker the steeper one looks in.
func (m *image) mirror(r *rand, shore int, l light) {
	waves := newNoise(r, m.w, m.h, l.size/26)
	for y := shore; y < m.h; y++ {
		depth := float32(y-shore) / float32(m.h-shore)
		for x := range m.w {
			// waves are wide and low: the noise is read stretched
			wave := waves[min(shore+(y-shore)*5/2, m.h-1)*m.w+x/3] * (2 + 14*depth)
			from := min(max(shore-1-(y-shore)*9/10+int(wave), 0), shore-1)
			side := min(max(x+int(wave*0.7), 0), m.w-1)
			for c := range m.c {
				dark := color{0.62, 0.68, 0.72}[c] - 0.25*depth
				m.c[c][y*m.w+x] = m.c[c][from*m.w+side]*dark + 0.02*l.zenith[c]
			}
		}
	}
}

// bank is grass in front, out of the light.
func (l light) bank(r *rand, m *image) {
	line := profile(r, m.w, l.size*0.8, l.size*0.05)
	blades := profile(r, m.w, 9, l.size*0.016)
	grain := newNoise(r, m.w, m.h, 4)
	for x := range m.w {
		start := float32(m.h)*0.93 + line[x] - max(blades[x], 0)*1.6
		for y := max(0, int(start)); y < m.h; y++ {
			i := y*m.w + x
			a := min(max(float32(y)+1-start, 0), 1)
			shade := 0.6 + 0.5*grain[i] + 0.9*(float32(y)-start)/l.size
			for c, g := range (color{0.035, 0.045, 0.018}) {
				m.c[c][i] += a * (g*max(shade, 0.1)*(0.6+l.horizon[c]) - m.c[c][i])
			}
		}
	}
}
