package cpu

import (
	"math"
	"unsafe"
)

// exp32 is e^x, rounded once from float64: the error is below 0.504 units in the last place.
func exp32(x float32) float32 { return float32(exp64(float64(min(max(x, -104), 89)))) }

// exp64 is e^x for |x| < 700, with a relative error below 3e-10: x = k·ln 2 + r with |r| ≤ ln 2/2, the power
// series of e^r, and k into the exponent.
func exp64(x float64) float64 {
	const round = 3 << 51 // added to a number, it leaves its integer part
	if x != x {
		return x
	}
	k := x*math.Log2E + round
	n := k - round
	r := x - n*math.Ln2
	p := 1 + r*(1+r*(1./2+r*(1./6+r*(1./24+r*(1./120+r*(1./720+r*(1./5040+r*(1./40320))))))))
	return p * math.Float64frombits(uint64(int64(n)+1023)<<52)
}

// expGo is the exponential kernel in Go.
func expGo(y, x *float32, n int) {
	out := unsafe.Slice(y, n)
	for i, v := range unsafe.Slice(x, n) {
		out[i] = exp32(v)
	}
}
