package cpu

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// compareLosses runs the kernels of losses on equal arrays in assembly and in Go. Terms of a sum are off by a
// few units in the last place, each its own way.
func compareLosses(t *testing.T, l *level, seed uint64, n int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 5))
	x, p := framed(rng, n, 20, false), framed(rng, n, 1, false)
	to, old := framed(rng, n, 1, false), framed(rng, n, 1, false)
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
			{"bceLogits", 5e-8, x,
				func(m *losses, dx, x, t *float32) { m.bceLogitsGrad(dx, x, t, n, 0.3, flags) }},
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
