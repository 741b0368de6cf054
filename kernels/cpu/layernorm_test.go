package cpu

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLayerNormAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for d := 1; d < 300; d++ {
			compareLayerNorm(t, l, uint64(d), d, 1+d%9, float32(d%5*1000))
		}
		compareLayerNorm(t, l, 1, 999, 2, 1e6)
	})
}

func FuzzLayerNorm(f *testing.F) {
	f.Add(uint64(1), uint16(1024), uint8(3), float32(0))
	f.Add(uint64(2), uint16(1), uint8(1), float32(-1e6))
	f.Fuzz(func(t *testing.T, seed uint64, d uint16, rows uint8, offset float32) {
		for _, l := range levels {
			if l.supported() && max(offset, -offset) <= 1e6 {
				compareLayerNorm(t, l, seed, 1+int(d)%2000, 1+int(rows)%sumsRows, offset)
			}
		}
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
	empty := framed(rng, rows, 1, false)
	g, m := &layerNormGo, &l.vmath.layerNorm
	for _, flags := range storeFlags(d) {
		forward := func(m *layerNorms) (y, mean, rstd []float32) {
			y, mean, rstd = onLine(old), slices.Clone(empty), slices.Clone(empty)
			room := make([]float64, layerNormRoom(d)+1)
			room[layerNormRoom(d)] = 7
			m.forward(&y[16], &x[16], &gamma[16], &beta[16], &mean[16], &rstd[16], &room[0], d,
				rows, 1e-6, flags)
			require.Equal(t, 7., room[layerNormRoom(d)])
			return y, mean, rstd
		}
		y, mean, rstd := forward(g)
		gotY, gotMean, gotRStd := forward(m)
		scale := max(1, float64(slices.Max(rstd)))
		// The mean is rounded, in float64, before it is taken off.
		small := 1e-12 + 1e-15*math.Abs(float64(offset))*scale
		requireClose(t, y, gotY, 1, small, "layer norm of %d rows of %d", rows, d)
		requireClose(t, mean, gotMean, 1, 1e-15, "mean of %d rows of %d", rows, d)
		requireClose(t, rstd, gotRStd, 1, 0, "rstd of %d rows of %d", rows, d)

		backward := func(m *layerNorms) (dx []float32, sum, dot []float64) {
			dx, sum, dot = onLine(old), make([]float64, d+1), make([]float64, d+1)
			m.grad(&dx[16], &dy[16], &x[16], &gamma[16], &mean[16], &rstd[16], d, rows, flags)
			m.sums(&sum[0], &dot[0], &dy[16], &x[16], &mean[16], &rstd[16], d, rows)
			return dx, sum, dot
		}
		dx, sum, dot := backward(g)
		gotDX, gotSum, gotDot := backward(m)
		large := largest(x[16:], mean[16:], rstd[16:], d, rows)
		size := 1e-6 * math.Sqrt(float64(d)) * scale * large * large // of values that may cancel
		requireClose(t, dx, gotDX, 4, size, "dx of %d rows of %d, flags %d", rows, d, flags)
		require.InDeltaSlice(t, sum, gotSum, 1e-5)
		require.InDeltaSlice(t, dot, gotDot, 2e-5*large)
	}
}

// largest is 1, or half the largest |x̂| where a row far from zero has few values, whose mean in float32 may
// be far from them all.
func largest(x, mean, rstd []float32, d, rows int) float64 {
	most := 2.0
	for i, v := range x[:rows*d] {
		most = max(most, math.Abs(float64((v-mean[i/d])*rstd[i/d])))
	}
	return most / 2
}
