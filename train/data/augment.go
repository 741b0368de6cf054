package data

import (
	"fmt"
	"math"

	"truegrain/kernels"
	"truegrain/tensor/picture"
	"truegrain/train/data/degrade"
)

// Augment is what is done to training pictures at random, keyed by the seed, the epoch and the picture.
type Augment struct {
	Crop         bool    // anywhere; false takes the middle
	FlipH, FlipV float64 // the probability of turning a picture around
	Resize       Random  // scale: the crop shows 1/scale as many pixels a side as it has
	Blur         Random  // standard deviation in pixels
	Noise        Random  // standard deviation in levels of 255
	JPEG, WebP   Random  // quality
}

// Random is something that is done to a picture with probability P, at a strength between From and To.
type Random struct{ P, From, To float64 }

// Check says what is wrong with the ranges.
func (a *Augment) Check() error {
	for _, r := range []struct {
		name   string
		r      Random
		lo, hi float64
	}{{"resize", a.Resize, 0.1, 10}, {"blur", a.Blur, 0.1, 20}, {"noise", a.Noise, 0, 128},
		{"jpeg", a.JPEG, 1, 100}, {"webp", a.WebP, 0, 100}} {
		if !(r.r.P >= 0 && r.r.P <= 1) {
			return fmt.Errorf("%s.p is %v: want 0 to 1", r.name, r.r.P)
		}
		if r.r.P > 0 && !(r.r.From >= r.lo && r.r.From <= r.r.To && r.r.To <= r.hi) {
			return fmt.Errorf("%s is from %v to %v: want a range within %v to %v", r.name, r.r.From, r.r.To,
				r.lo, r.hi)
		}
	}
	return nil
}

// drawn is the strength for two random words, and whether it is done at all.
func (r Random) drawn(chance, strength uint32) (float64, bool) {
	return r.From + float64(kernels.Unit(strength))*(r.To-r.From), float64(kernels.Unit(chance)) < r.P
}

// scale is drawn by its logarithm, so that halving is as likely as doubling.
func (r Random) scale(chance, strength uint32) (float64, bool) {
	if !(float64(kernels.Unit(chance)) < r.P) {
		return 1, false
	}
	return r.From * math.Pow(r.To/r.From, float64(kernels.Unit(strength))), true
}

// strong does to a crop what is asked for beside crop, scale and flips, in the order in which it happens to
// pictures on their way: blur, noise, then one or two encoders.
func (a *Augment) strong(p *picture.Picture, words [3][4]uint32) (out *picture.Picture, err error) {
	if sigma, ok := a.Blur.drawn(words[0][0], words[0][1]); ok {
		p = degrade.Blur(p, sigma)
	}
	if sigma, ok := a.Noise.drawn(words[0][2], words[0][3]); ok {
		p = degrade.Noise(p, sigma, uint64(words[2][0])<<32|uint64(words[2][1]))
	}
	if q, ok := a.JPEG.drawn(words[1][0], words[1][1]); ok {
		if p, err = degrade.JPEG(p, int(q+0.5)); err != nil {
			return nil, err
		}
	}
	if q, ok := a.WebP.drawn(words[1][2], words[1][3]); ok {
		return degrade.WebP(p, int(q+0.5))
	}
	return p, nil
}
