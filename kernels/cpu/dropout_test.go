package cpu

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

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
