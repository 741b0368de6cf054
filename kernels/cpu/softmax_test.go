package cpu

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

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
