package cpu

import (
	"fmt"
	"math"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// sweepStride is coprime to 2^32; with TRUEGRAIN_SLOW=1 sweeps visit every float32.
const sweepStride = 997

// sweep compares a function of one variable with its value in float64, for a sample of all float32 or for all
// of them, in sixteen parts by the leading bits. Errors are in units in the last place of the exact result or
// of least, if that is greater. NaN must give NaN.
func sweep(
	t *testing.T, bound float64, f func(l *level, y, x *float32, n int), want, least func(x float64) float64,
) {
	stride := uint64(sweepStride)
	if os.Getenv("TRUEGRAIN_SLOW") == "1" {
		stride = 1
	}
	forLevels(t, func(t *testing.T, l *level) {
		be := testBackend(t, l)
		y := make([]float32, len(special))
		f(l, &y[0], &special[0], len(y))
		for i, x := range special {
			w := float64(x)
			require.Less(t, ulps(y[i], want(w), least(w)), bound, "%v of %v", y[i], x)
		}
		for part := range uint64(16) {
			t.Run(fmt.Sprintf("%x", part), func(t *testing.T) {
				worst, at := sweepPart(be, part<<28, (part+1)<<28, stride,
					func(y, x []float32) { f(l, &y[0], &x[0], len(x)) }, want, least)
				t.Logf("%.3f units in the last place at %v", worst, at)
				require.Less(t, worst, bound, "at %v", at)
			})
		}
	})
}

// sweepPart is the worst error over the float32 whose bits are in a range.
func sweepPart(be *Backend, lo, hi, stride uint64, f func(y, x []float32), want, least func(float64) float64,
) (worst float64, at float32) {
	const block = 1 << 12
	var mu sync.Mutex
	be.chunks(int((hi-lo)/(block*stride))+1, func(c int) {
		var x, y [block]float32
		for i := range x {
			x[i] = math.Float32frombits(uint32(min(lo+(uint64(c)*block+uint64(i))*stride, hi-1)))
		}
		f(y[:], x[:])
		var most float64
		var where float32
		for i, v := range x {
			if e := ulps(y[i], want(float64(v)), least(float64(v))); e > most {
				most, where = e, v
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if most > worst || most == worst && where < at { // whatever the order of the chunks
			worst, at = most, where
		}
	})
	return worst, at
}

// ulps is how far got is from want, in units in the last place of want or least as a float32; infinite if one
// is NaN.
func ulps(got float32, want, least float64) float64 {
	switch {
	case got != got && want != want:
		return 0
	case got != got || want != want:
		return math.Inf(1)
	}
	const infinity = 0x1p128 // so that the last float32 and infinity are neighbours
	w, g := max(-infinity, min(infinity, want)), max(-infinity, min(infinity, float64(got)))
	exponent := max(int(math.Float64bits(w)>>52&0x7ff), int(math.Float64bits(least)>>52), 1023-126)
	return math.Abs(g-w) * math.Float64frombits(uint64(2*1023+23-exponent)<<52)
}

func TestExp(t *testing.T) {
	sweep(t, 0.9, func(l *level, y, x *float32, n int) { l.vmath.exp(y, x, n) }, math.Exp, zero)
}

func zero(float64) float64 { return 0 }

func phi(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

func TestGELU(t *testing.T) {
	sweep(t, 5.5, func(l *level, y, x *float32, n int) { l.vmath.gelu(y, x, n, 0) },
		func(x float64) float64 { return x * phi(x) }, zero)
}

func TestSigmoid(t *testing.T) {
	sweep(t, 2.5, func(l *level, y, x *float32, n int) { l.vmath.sigmoid(y, x, n, 0) },
		func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, zero)
}

// The derivative of GELU crosses zero near −0.75: its error is measured against Φ, and so in terms of one of
// the two things whose difference it is.
func TestGELUSlope(t *testing.T) {
	ones := make([]float32, 1<<12)
	for i := range ones {
		ones[i] = 1
	}
	slope := func(x float64) float64 { return phi(x) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi) }
	sweep(t, 5.5, func(l *level, y, x *float32, n int) { l.vmath.geluGrad(y, &ones[0], x, n, 0) }, slope, phi)
}

// special are the values at which functions turn.
var special = []float32{0, float32(math.Copysign(0, -1)), 1, -1, 1e-45, -1e-45, 1e-38, 88.72283, 88.72284,
	-87.33655, -103.97207, -103.97208, -104, 89, 1e30, -1e30, math.MaxFloat32, -math.MaxFloat32,
	float32(math.Inf(1)), float32(math.Inf(-1)), nan}
