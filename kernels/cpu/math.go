package cpu

import "math"

// exp32 is e^x with an error below 1.5 units in the last place: x = k·ln 2 + r with |r| ≤ ln 2/2, a polynomial in r
// (Moshier, Cephes expf), and k into the exponent. Below −87.3 it is 0, above 88.7 infinite.
func exp32(x float32) float32 {
	const log2e, ln2High, ln2Low = 1.44269504, 0.693359375, -2.12194440e-4
	switch {
	case x < -87.3:
		return 0
	case x > 88.7:
		return float32(math.Inf(1))
	case x != x:
		return x
	}
	k := int32(x*log2e + 0.5)
	if x < 0 {
		k = int32(x*log2e - 0.5)
	}
	r := x - float32(k)*ln2High
	r -= float32(k) * ln2Low
	p := float32(1.9875691500e-4)
	p = p*r + 1.3981999507e-3
	p = p*r + 8.3334519073e-3
	p = p*r + 4.1665795894e-2
	p = p*r + 1.6666665459e-1
	p = p*r + 5.0000001201e-1
	y := p*r*r + r + 1
	if k > 127 { // 2^128 is no float32; the product may be
		return y * 2 * math.Float32frombits(uint32(k-1+127)<<23)
	}
	return y * math.Float32frombits(uint32(k+127)<<23)
}
