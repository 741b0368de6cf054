package cpu

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

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

// compareElementwise runs the element-wise kernels on equal arrays in assembly and in Go. bound is in units
// in the last place, small an absolute error where results are differences.
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
		{"geluGrad", 6, 1e-6, func(m *vmath, y, x, dy *float32, flags int) { m.geluGrad(y, dy, x, n, flags) },
			true},
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
