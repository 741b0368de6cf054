package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// compareSums runs both kernels of sums of a level, and the Go ones, on rows of cols columns that lie apart.
func compareSums(t *testing.T, l *level, rows, cols, apart, flags int, seed uint64) {
	t.Helper()
	run := func(s *streamKernels) (*arena, [][]float64) {
		a := &arena{rng: rand.New(rand.NewPCG(seed, 1))}
		stride := cols + apart
		n := (rows-1)*stride + cols
		x, dy, y := a.slice(n, false), a.slice(n, false), a.slice(n, false)
		var out [][]float64
		for range 4 {
			sums := make([]float64, cols+2)
			for i := range sums {
				sums[i] = float64(i)
			}
			out = append(out, sums)
		}
		s.columnSums(&out[0][1], &out[1][1], &x[0], rows, cols, 4*stride)
		s.gradientSums(&out[2][1], &out[3][1], &dy[0], &y[0], &x[0], rows, cols, 4*stride, 4*stride, flags)
		return a, out
	}
	name := fmt.Sprintf("%d rows, %d columns, %d apart, flags %b", rows, cols, apart, flags)
	wantArena, want := run(&streamGo)
	gotArena, got := run(l.stream)
	wantArena.same(t, gotArena, 0, name)
	for k := range want {
		for i, w := range want[k] {
			g := got[k][i]
			require.True(t, w == g || w != w && g != g, "%s: sums %d, element %d: %v, want %v",
				name, k, i, g, w)
		}
	}
}

func TestSumsAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for cols := 1; cols < 300; cols++ {
			for flags := 0; flags < 8; flags += 2 {
				compareSums(t, l, 1+cols%5, cols, cols%3, flags, 1)
			}
		}
	})
}

func FuzzSums(f *testing.F) {
	f.Add(uint8(3), uint16(70), uint8(0), uint8(2), uint64(1))
	f.Fuzz(func(t *testing.T, rows uint8, cols uint16, apart, flags uint8, seed uint64) {
		for _, l := range levels {
			if l.supported() {
				compareSums(t, l, 1+int(rows)%40, 1+int(cols)%1000, int(apart)%9, int(flags)&6, seed)
			}
		}
	})
}

// TestColumnSumsOfEveryShape sums matrices of small integers, whose sums are exact.
func TestColumnSumsOfEveryShape(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		b := testBackend(t, l)
		for _, c := range []int{1, 2, 3, 5, 16, 21, 63, 64, 65, 100, 255, 256, 257, 1000, 2048} {
			for _, r := range []int{0, 1, 2, 7, 64, 65, 129, 1031} {
				x := make([]float32, r*c)
				sums, squares := make([]float64, c), make([]float64, c)
				want, wantSquares := make([]float64, c), make([]float64, c)
				for i := range x {
					x[i] = float32((i*7919)%23 - 11)
					want[i%c] += float64(x[i])
					wantSquares[i%c] += float64(x[i]) * float64(x[i])
				}
				b.columnSums(x, r, c, sums, squares)
				require.Equal(t, want, sums, "%dx%d", r, c)
				require.Equal(t, wantSquares, squares, "%dx%d", r, c)
			}
		}
	})
}

// TestBatchNormFarFromZero normalises channels whose mean is thousands of times their deviation: neither the
// statistics nor the map may move a channel as a whole.
func TestBatchNormFarFromZero(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		const r, c = 3001, 5
		rng := rand.New(rand.NewPCG(1, 1))
		x := make([]float32, r*c)
		for i := range x {
			x[i] = 500*float32(i%c) + rng.Float32()
		}
		op := kernels.BatchNorm{R: r, C: c, Train: true, Eps: 1e-5, X: of(x), Gamma: of(randomFloats(rng, c)),
			Beta: of(randomFloats(rng, c)), Y: empty(r * c), Mean: empty(c), RStd: empty(c)}
		want := op
		want.Y, want.Mean, want.RStd = empty(r*c), empty(c), empty(c)
		op.Run(testBackend(t, l))
		want.Run(ref.Open32())
		mean := make([]float64, c)
		for i, w := range floats(want.Y) {
			d := float64(floats(op.Y)[i]) - float64(w)
			mean[i%c] += d / r
			require.Less(t, math.Abs(d), 1e-6, "element %d", i)
		}
		for j, d := range mean {
			require.Less(t, math.Abs(d), 5e-8, "channel %d moved", j)
		}
	})
}
