package explain

import (
	"image/color"
	"math"
)

// Ramp is a colour map of 256 steps.
type Ramp [256]color.RGBA

// Ember is the map of what is ≥ 0: near-black violet, red, orange, pale yellow. Its lightness rises at every
// step, so it reads the same in grey and for the colour-blind. Tide is the map of signed values and of
// probabilities around one half: teal for a photograph, grey for neither, orange for AI. Both are drawn in
// OKLCH (Ottosson 2020).
var (
	Ember = ramp(func(t float64) color.RGBA {
		chroma := 0.045 + 0.17*math.Pow(math.Sin(math.Pi*min(1, t*1.04)), 0.8) - 0.03*t
		return oklch(mix(0.14, 0.97, t), chroma, math.Mod(mix(295, 455, math.Pow(t, 0.86)), 360))
	})
	Tide = ramp(func(t float64) color.RGBA {
		v := 2*t - 1
		m := math.Abs(v)
		if v < 0 {
			return oklch(mix(0.93, 0.60, m), mix(0.004, 0.105, math.Pow(m, 0.8)), 205)
		}
		return oklch(mix(0.93, 0.60, m), mix(0.004, 0.165, math.Pow(m, 0.8)), 52)
	})
)

func ramp(f func(t float64) color.RGBA) *Ramp {
	var r Ramp
	for i := range r {
		r[i] = f(float64(i) / 255)
	}
	return &r
}

func mix(a, b, t float64) float64 { return a + (b-a)*t }

// oklch is the sRGB colour nearest to a lightness, chroma and hue in degrees.
func oklch(l, c, h float64) color.RGBA {
	sin, cos := math.Sincos(h * math.Pi / 180)
	a, b := c*cos, c*sin
	cube := func(v float64) float64 { return v * v * v }
	lc := cube(l + 0.3963377774*a + 0.2158037573*b)
	mc := cube(l - 0.1055613458*a - 0.0638541728*b)
	sc := cube(l - 0.0894841775*a - 1.2914855480*b)
	return color.RGBA{
		srgb(4.0767416621*lc - 3.3077115913*mc + 0.2309699292*sc),
		srgb(-1.2684380046*lc + 2.6097574011*mc - 0.3413193965*sc),
		srgb(-0.0041960863*lc - 0.7034186147*mc + 1.7076147010*sc), 255}
}

// srgb is a linear channel in [0,1] as an 8-bit sRGB value (IEC 61966-2-1).
func srgb(v float64) uint8 {
	v = min(max(v, 0), 1)
	if v <= 0.0031308 {
		v *= 12.92
	} else {
		v = 1.055*math.Pow(v, 1/2.4) - 0.055
	}
	return uint8(math.Round(v * 255))
}
