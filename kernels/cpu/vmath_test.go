package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// sweepStride is coprime to 2^32; with TRUEGRAIN_SLOW=1 sweeps visit every float32.
const sweepStride = 997

// sweep compares a function of one variable with its value in float64, for a sample of all float32 or for all of
// them, in sixteen parts by the leading bits. Errors are in units in the last place of the exact result or of
// least, if that is greater. NaN must give NaN.
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

// ulps is how far got is from want, in units in the last place of want or least as a float32; infinite if one is
// NaN.
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

// The derivative of GELU crosses zero near −0.75: its error is measured against Φ, and so in terms of one of the
// two things whose difference it is.
func TestGELUSlope(t *testing.T) {
	ones := make([]float32, 1<<12)
	for i := range ones {
		ones[i] = 1
	}
	slope := func(x float64) float64 { return phi(x) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi) }
	sweep(t, 5.5, func(l *level, y, x *float32, n int) { l.vmath.geluGrad(y, &ones[0], x, n, 0) }, slope, phi)
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
		require.LessOrEqual(t, ulps(got[i], float64(w), 0), bound,
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
	run := func(m *vmath, flags int) (y []float32, peak float32, sum float64) {
		y = framed(rng, d*rows, 1, false)
		room := framed(rng, d, 1, false)
		peak, sum = m.softmax(&y[16], &x[16], &room[16], d, rows, flags)
		requireClose(t, room, room, 0, 0, "room")
		return y, peak, sum
	}
	want, peak, sum := run(&vmathGo, 0)
	y := want
	for _, flags := range []int{0, flagPast} {
		got, gotPeak, gotSum := run(&l.vmath, flags)
		requireClose(t, want, got, 4, 0, "softmax of %d rows of %d, flags %d", rows, d, flags)
		if sum == sum {
			require.Equal(t, peak, gotPeak)
			require.InEpsilon(t, sum, gotSum, 1.2e-7)
		} else {
			require.NotEqual(t, gotSum, gotSum)
		}
	}

	inPlace := append([]float32(nil), x...)
	for lo := 16; lo < 16+d*rows; lo += d {
		row := &inPlace[lo]
		peak = l.vmath.rowMax(row, d)
		sum = l.vmath.rowExp(row, row, d, peak)
		l.vmath.rowScale(row, d, float32(1/sum))
	}
	requireClose(t, want, inPlace, 4, 0, "three passes over each of %d rows of %d", rows, d)

	dy, old := framed(rng, d*rows, 1, false), framed(rng, d*rows, 1, false)
	for _, flags := range storeFlags(d) {
		want, got := slices.Clone(old), onLine(old)
		vmathGo.softmaxGrad(&want[16], &dy[16], &y[16], d, rows, flags)
		l.vmath.softmaxGrad(&got[16], &dy[16], &y[16], d, rows, flags)
		requireClose(t, want, got, 4, 1e-6, "gradient of %d rows of %d, flags %v", rows, d, flags)
	}
}

// storeFlags are the flags of a kernel that writes a gradient of rows of d elements.
func storeFlags(d int) []int {
	if d%16 != 0 {
		return []int{0, flagAdd}
	}
	return []int{0, flagAdd, flagPast}
}

// onLine is a copy of x on a cache line.
func onLine(x []float32) []float32 {
	y := make([]float32, len(x)+16)
	for uintptr(unsafe.Pointer(&y[0]))%64 != 0 {
		y = y[1:]
	}
	return append(y[:0], x...)
}

// compareElementwise runs the element-wise kernels on equal arrays in assembly and in Go. bound is in units in
// the last place, small an absolute error where results are differences.
func compareElementwise(t *testing.T, l *level, seed uint64, n int, strange bool) {
	t.Helper()
	for _, c := range []struct {
		name         string
		bound, small float64
		run          func(m *vmath, y, x, dy *float32, flags int)
		grad         bool
	}{
		{"exp", 2, 0, func(m *vmath, y, x, _ *float32, _ int) { m.exp(y, x, n) }, false},
		{"gelu", 6, 0, func(m *vmath, y, x, _ *float32, flags int) { m.gelu(y, x, n, flags) }, false},
		{"geluGrad", 6, 1e-6, func(m *vmath, y, x, dy *float32, flags int) { m.geluGrad(y, dy, x, n, flags) }, true},
		{"sigmoid", 3, 0, func(m *vmath, y, x, _ *float32, flags int) { m.sigmoid(y, x, n, flags) }, false},
		{"sigmoidGrad", 2, 1e-5, func(m *vmath, y, x, dy *float32, flags int) { m.sigmoidGrad(y, dy, x, n, flags) },
			true},
	} {
		rng := rand.New(rand.NewPCG(seed, 2))
		x, dy, y := framed(rng, n, 5, strange), framed(rng, n, 1, false), framed(rng, n, 1, false)
		for _, flags := range storeFlags(16) {
			if flags == flagAdd && !c.grad {
				continue
			}
			want, got := slices.Clone(y), onLine(y)
			c.run(&vmathGo, &want[16], &x[16], &dy[16], flags)
			c.run(&l.vmath, &got[16], &x[16], &dy[16], flags)
			requireClose(t, want, got, c.bound, c.small, "%s of %d, flags %d", c.name, n, flags)
		}
	}
}

func TestElementwiseAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for n := range 300 {
			compareElementwise(t, l, uint64(n), n, n%2 == 0)
		}
		compareElementwise(t, l, 7, 999, false)
	})
}

func FuzzElementwise(f *testing.F) {
	f.Add(uint64(1), uint16(197), false)
	f.Add(uint64(2), uint16(1000), true)
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, strange bool) {
		for _, l := range levels {
			if l.supported() {
				compareElementwise(t, l, seed, int(n)%3000, strange)
			}
		}
	})
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

func TestDropoutAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for n := range 300 {
			compareDropout(t, l, uint64(n)<<33+5, uint64(n)*0xffff_fff7, n, float64(n%11)/10)
		}
		compareDropout(t, l, 1, 1<<32-3, 999, 0.5)
	})
}

// compareDropout runs both kernels in assembly and in Go: their results are the same, bit for bit.
func compareDropout(t *testing.T, l *level, seed, block uint64, n int, p float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 3))
	x, old := framed(rng, n, 1, false), framed(rng, n, 1, false)
	least, keep := threshold(p)
	for _, flags := range storeFlags(16) {
		want, got := slices.Clone(old), onLine(old)
		for _, c := range []struct {
			m *vmath
			y []float32
		}{{&vmathGo, want}, {&l.vmath, got}} {
			c.m.dropout(&c.y[16], &x[16], n, block, uint32(seed), uint32(seed>>32), 8, 9, least, keep, flags)
		}
		if flags == flagAdd { // multiply and add, in one step or two
			requireClose(t, want, got, 1, 1e-6, "dropout of %d", n)
			continue
		}
		require.Equal(t, want, got, "dropout of %d, p = %v, flags %d", n, p, flags)
	}
}

func FuzzDropout(f *testing.F) {
	f.Add(uint64(1), uint64(1<<32-2), uint16(100), 0.3)
	f.Fuzz(func(t *testing.T, seed, block uint64, n uint16, p float64) {
		for _, l := range levels {
			if l.supported() && p >= 0 && p <= 1 {
				compareDropout(t, l, seed, block, int(n)%2000, p)
			}
		}
	})
}

func TestLayerNormAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for d := 1; d < 300; d++ {
			compareLayerNorm(t, l, uint64(d), d, 1+d%9, float32(d%5*1000))
		}
		compareLayerNorm(t, l, 1, 999, 2, 1e6)
	})
}

// compareLayerNorm runs the kernels of layer norm on equal rows, some way off zero, in assembly and in Go.
func compareLayerNorm(t *testing.T, l *level, seed uint64, d, rows int, offset float32) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 4))
	n := d * rows
	x, dy, old := framed(rng, n, 1, false), framed(rng, n, 1, false), framed(rng, n, 1, false)
	gamma, beta := framed(rng, d, 1, false), framed(rng, d, 1, false)
	for i := range n {
		x[16+i] += offset
	}
	type results struct{ y, mean, rstd, dx []float32 }
	type sums struct{ sum, dot []float64 }
	run := func(m *layerNorms, flags int) (o results, s sums) {
		o = results{onLine(old), framed(rng, rows, 1, false), framed(rng, rows, 1, false), onLine(old)}
		m.forward(&o.y[16], &x[16], &gamma[16], &beta[16], &o.mean[16], &o.rstd[16], d, rows, 1e-6, flags)
		m.grad(&o.dx[16], &dy[16], &x[16], &gamma[16], &o.mean[16], &o.rstd[16], d, rows, flags)
		s.sum, s.dot = make([]float64, d+1), make([]float64, d+1)
		m.sums(&s.sum[0], &s.dot[0], &dy[16], &x[16], &o.mean[16], &o.rstd[16], d, rows)
		return o, s
	}
	for _, flags := range storeFlags(d) {
		want, wantSums := run(&layerNormGo, flags)
		got, gotSums := run(&l.vmath.layerNorm, flags)
		size := 1e-6 * math.Sqrt(float64(d)) // of values that may cancel
		requireClose(t, want.y, got.y, 1, 1e-12, "layer norm of %d rows of %d", rows, d)
		requireClose(t, want.mean, got.mean, 1, 1e-15, "mean of %d rows of %d", rows, d)
		requireClose(t, want.rstd, got.rstd, 1, 0, "rstd of %d rows of %d", rows, d)
		scale := max(1, float64(slices.Max(want.rstd)))
		requireClose(t, want.dx, got.dx, 4, size*scale, "dx of %d rows of %d, flags %d", rows, d, flags)
		require.InDeltaSlice(t, wantSums.sum, gotSums.sum, 1e-5)
		require.InDeltaSlice(t, wantSums.dot, gotSums.dot, 2e-5)
	}
}

// compareLosses runs the kernels of losses on equal arrays in assembly and in Go. Terms of a sum are off by a few
// units in the last place, each its own way.
func compareLosses(t *testing.T, l *level, seed uint64, n int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 5))
	x, p, to, old := framed(rng, n, 20, false), framed(rng, n, 1, false), framed(rng, n, 1, false), framed(rng, n, 1, false)
	for i := 16; i < 16+n; i++ {
		p[i], to[i] = probability(rng), []float32{0, 1, rng.Float32()}[rng.IntN(3)]
	}
	g, m := &lossesGo, &l.vmath.losses
	for _, c := range []struct {
		name      string
		want, got float64
	}{
		{"mse", g.mse(&x[16], &to[16], n), m.mse(&x[16], &to[16], n)},
		{"bce", g.bce(&p[16], &to[16], n), m.bce(&p[16], &to[16], n)},
		{"bceLogits", g.bceLogits(&x[16], &to[16], n), m.bceLogits(&x[16], &to[16], n)},
	} {
		require.InDelta(t, c.want, c.got, 3e-7*math.Abs(c.want), "%s of %d", c.name, n)
	}
	for _, flags := range storeFlags(16) {
		for _, c := range []struct {
			name  string
			small float64
			x     []float32
			run   func(m *losses, dx, x, t *float32)
		}{
			{"mse", 0, x, func(m *losses, dx, x, t *float32) { m.mseGrad(dx, x, t, n, 0.3, flags) }},
			{"bce", 0, p, func(m *losses, dx, x, t *float32) { m.bceGrad(dx, x, t, n, 0.3, flags) }},
			{"bceLogits", 5e-8, x, func(m *losses, dx, x, t *float32) { m.bceLogitsGrad(dx, x, t, n, 0.3, flags) }},
			{"crossEntropy", 0, x, func(m *losses, dx, x, _ *float32) {
				m.crossEntropyGrad(dx, x, n, 20, 0.3, flags&flagAdd)
			}},
		} {
			want, got := slices.Clone(old), onLine(old)
			c.run(g, &want[16], &c.x[16], &to[16])
			c.run(m, &got[16], &c.x[16], &to[16])
			if flags == flagAdd {
				c.small += 1e-5
			}
			requireClose(t, want, got, 4, c.small, "gradient of %s of %d, flags %d", c.name, n, flags)
		}
	}
}

// probability is a number from 0 to 1, often close to one of them, or one of them.
func probability(rng *rand.Rand) float32 {
	switch rng.IntN(6) {
	case 0:
		return float32(rng.IntN(2))
	case 1:
		return float32(math.Exp(-100 * rng.Float64()))
	case 2:
		return 1 - float32(math.Exp(-17*rng.Float64()))
	}
	return rng.Float32()
}

func TestLossesAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for n := range 300 {
			compareLosses(t, l, uint64(n), n)
		}
		compareLosses(t, l, 1, 9999)
	})
}

func TestLossesOfNaN(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		m := &l.vmath.losses
		for _, x := range []float32{nan, -1, 2} {
			bad := []float32{0.5, x, 0.5}
			require.True(t, math.IsNaN(m.bce(&bad[0], &bad[0], 3)), "bce of %v", x)
		}
		bad := []float32{0.5, nan, 0.5}
		require.True(t, math.IsNaN(m.mse(&bad[0], &bad[1], 2)))
		require.True(t, math.IsNaN(m.bceLogits(&bad[0], &bad[0], 3)))
		for _, grad := range []func(dx, x, t *float32, n int, scale float32, flags int){m.mseGrad, m.bceGrad,
			m.bceLogitsGrad} {
			dx := make([]float32, 3)
			grad(&dx[0], &bad[0], &bad[0], 3, 1, 0)
			require.True(t, dx[0] == dx[0] && dx[1] != dx[1])
		}
	})
}

func FuzzLosses(f *testing.F) {
	f.Add(uint64(1), uint16(100))
	f.Fuzz(func(t *testing.T, seed uint64, n uint16) {
		for _, l := range levels {
			if l.supported() {
				compareLosses(t, l, seed, int(n)%2000)
			}
		}
	})
}
