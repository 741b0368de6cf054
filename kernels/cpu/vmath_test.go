package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// sweepStride is coprime to 2^32; with TRUEGRAIN_SLOW=1 sweeps visit every float32.
const sweepStride = 997

// sweep compares a function of one variable with its value in float64, for a sample of all float32 or for all of
// them, in sixteen parts by the leading bits. Errors are in units in the last place of the exact result, 2^-149
// for a denormal one. NaN must give NaN.
func sweep(t *testing.T, bound float64, f func(l *level, y, x *float32, n int), want func(x float64) float64) {
	stride := uint64(sweepStride)
	if os.Getenv("TRUEGRAIN_SLOW") == "1" {
		stride = 1
	}
	forLevels(t, func(t *testing.T, l *level) {
		be := testBackend(t, l)
		for part := range uint64(16) {
			t.Run(fmt.Sprintf("%x", part), func(t *testing.T) {
				worst, at := sweepPart(be, part<<28, (part+1)<<28, stride,
					func(y, x []float32) { f(l, &y[0], &x[0], len(x)) }, want)
				t.Logf("%.3f units in the last place at %v", worst, at)
				require.Less(t, worst, bound, "at %v", at)
			})
		}
	})
}

// sweepPart is the worst error over the float32 whose bits are in a range.
func sweepPart(be *Backend, lo, hi, stride uint64, f func(y, x []float32), want func(float64) float64,
) (worst float64, at float32) {
	const block = 1 << 12
	var mu sync.Mutex
	be.chunks(int((hi-lo)/(block*stride))+1, func(c int) {
		var x, y [block]float32
		for i := range x {
			x[i] = math.Float32frombits(uint32(min(lo+(uint64(c)*block+uint64(i))*stride, hi-1)))
		}
		f(y[:], x[:])
		for i, v := range x {
			if e := ulps(y[i], want(float64(v))); e > worst {
				mu.Lock()
				if e > worst {
					worst, at = e, v
				}
				mu.Unlock()
			}
		}
	})
	return worst, at
}

// ulps is how far got is from want, in units in the last place of want as a float32; infinite if one is NaN.
func ulps(got float32, want float64) float64 {
	switch {
	case got != got && want != want:
		return 0
	case got != got || want != want:
		return math.Inf(1)
	}
	const infinity = 0x1p128 // so that the last float32 and infinity are neighbours
	w, g := max(-infinity, min(infinity, want)), max(-infinity, min(infinity, float64(got)))
	exponent := max(int(math.Float64bits(w)>>52&0x7ff), 1023-126)
	return math.Abs(g-w) * math.Float64frombits(uint64(2*1023+23-exponent)<<52)
}

func TestExp(t *testing.T) {
	sweep(t, 0.9, func(l *level, y, x *float32, n int) { l.vmath.exp(y, x, n) }, math.Exp)
}

// special are the values at which functions turn.
var special = []float32{0, float32(math.Copysign(0, -1)), 1, -1, 1e-45, -1e-45, 1e-38, 88.72283, 88.72284, -87.33655,
	-103.97207, -103.97208, -104, 89, 1e30, -1e30, math.MaxFloat32, -math.MaxFloat32, float32(math.Inf(1)),
	float32(math.Inf(-1)), nan}

// framed is n random values between guards; rarely, if strange, a special one.
func framed(rng *rand.Rand, n int, scale float32, strange bool) []float32 {
	x := make([]float32, n+32)
	for i := range x {
		x[i] = guard
		if i >= 16 && i < 16+n {
			x[i] = scale * (2*rng.Float32() - 1)
			if strange && rng.IntN(8) == 0 {
				x[i] = special[rng.IntN(len(special))]
			}
		}
	}
	return x
}

// requireClose fails unless two framed results are equal within some units in the last place, or small, and
// the guards are as they were.
func requireClose(t *testing.T, want, got []float32, bound, small float64, message string, args ...any) {
	t.Helper()
	for i, w := range want {
		if i < 16 || i >= len(want)-16 {
			require.Equal(t, guard, got[i], append([]any{"wrote outside: " + message}, args...)...)
			continue
		}
		if math.Abs(float64(w)-float64(got[i])) <= small {
			continue
		}
		require.LessOrEqual(t, ulps(got[i], float64(w)), bound,
			append([]any{"element %d is %v, want %v: " + message, i - 16, got[i], w}, args...)...)
	}
}

func TestSoftmaxAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for d := 1; d < 300; d++ {
			compareSoftmax(t, l, uint64(d), d, 1+d%3, d%5 == 0)
		}
		compareSoftmax(t, l, 1, 1023, 2, false)
	})
}

// compareSoftmax runs the kernels of softmax on equal rows in assembly and in Go.
func compareSoftmax(t *testing.T, l *level, seed uint64, d, rows int, strange bool) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	x := framed(rng, d*rows, 30, strange)
	run := func(m *vmath) (y []float32, peak float32, sum float64) {
		y = framed(rng, d*rows, 1, false)
		peak, sum = m.softmax(&y[16], &x[16], d, rows)
		return y, peak, sum
	}
	want, peak, sum := run(&vmathGo)
	got, gotPeak, gotSum := run(&l.vmath)
	requireClose(t, want, got, 4, 0, "softmax of %d rows of %d", rows, d)
	if sum == sum {
		require.Equal(t, peak, gotPeak)
		require.InEpsilon(t, sum, gotSum, 1.2e-7)
	} else {
		require.NotEqual(t, gotSum, gotSum)
	}

	inPlace := append([]float32(nil), x...)
	for lo := 16; lo < 16+d*rows; lo += d {
		row := &inPlace[lo]
		peak = l.vmath.rowMax(row, d)
		sum = l.vmath.rowExp(row, row, d, peak)
		l.vmath.rowScale(row, d, float32(1/sum))
	}
	requireClose(t, want, inPlace, 4, 0, "three passes over each of %d rows of %d", rows, d)
}

func FuzzSoftmax(f *testing.F) {
	f.Add(uint64(1), uint16(197), uint8(3), false)
	f.Add(uint64(2), uint16(1), uint8(1), true)
	f.Fuzz(func(t *testing.T, seed uint64, d uint16, rows uint8, strange bool) {
		for _, l := range levels {
			if l.supported() {
				compareSoftmax(t, l, seed, 1+int(d)%2000, 1+int(rows)%5, strange)
			}
		}
	})
}
