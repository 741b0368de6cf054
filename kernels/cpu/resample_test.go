package cpu

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// compareMix runs the mixing kernel of a level, and the Go one, on random bands.
func compareMix(t *testing.T, l *level, outputs, cols, taps, flags int, seed uint64) {
	t.Helper()
	run := func(s *streamKernels) *arena {
		a := &arena{rng: rand.New(rand.NewPCG(seed, 1))}
		step := cols + a.rng.IntN(3)
		src := a.slice(8*step+taps*step+cols, false)
		var bands []reach
		n := 0
		for range outputs {
			k := reach{4 * step * a.rng.IntN(8), a.rng.IntN(taps + 1)}
			if a.rng.IntN(2) == 0 {
				k.n = min(2, taps)
			}
			bands = append(bands, k)
			n += k.n
		}
		weights := a.slice(n+1, false)
		for i := range weights {
			weights[i] = a.rng.Float32()
		}
		for i := range src { // special values would meet in other orders
			src[i] = 2*a.rng.Float32() - 1
		}
		dst := a.slice(outputs*cols, true)
		for i := range dst {
			dst[i] = a.rng.Float32()
		}
		if flags&flagPast != 0 && (cols%16 != 0 || flags&flagAdd != 0) {
			flags &^= flagPast
		}
		s.mix(&dst[0], &src[0], &bands[0], &weights[0], outputs, cols, 4*step, flags)
		return a
	}
	run(&streamGo).same(t, run(l.stream), float64(taps+1)*float64(taps+1)*0x1p-24,
		fmt.Sprintf("%d outputs of %d, %d taps, flags %b", outputs, cols, taps, flags))
}

func TestMixAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for cols := 1; cols < 200; cols++ {
			for _, flags := range []int{0, flagAdd, flagPast} {
				compareMix(t, l, 1+cols%7, cols, cols%6, flags, uint64(cols))
			}
		}
	})
}

func FuzzMix(f *testing.F) {
	f.Add(uint8(3), uint16(70), uint8(2), uint16(0), uint64(1))
	f.Fuzz(func(t *testing.T, outputs uint8, cols uint16, taps uint8, flags uint16, seed uint64) {
		for _, l := range levels {
			if l.supported() {
				compareMix(t, l, 1+int(outputs)%20, 1+int(cols)%500, int(taps)%20,
					int(flags)&(flagAdd|flagPast), seed)
			}
		}
	})
}

// TestTransposedBands compares a map and its transpose as matrices.
func TestTransposedBands(t *testing.T) {
	matrix := func(m axisMap, n int) [][]float32 {
		rows := make([][]float32, len(m.reaches))
		for i, k := range m.reaches {
			rows[i] = make([]float32, n)
			copy(rows[i][min(k.from, n):], m.weights[m.starts[i]:][:k.n])
		}
		return rows
	}
	for _, s := range [][2]int{{1, 1}, {3, 7}, {7, 3}, {28, 224}, {13, 13}, {5, 1}} {
		n, out := s[0], s[1]
		var m axisMap
		m.between(n, out)
		rows, back := matrix(m, n), matrix(m.transposed(n), out)
		for i := range rows {
			for j := range back {
				require.Equal(t, rows[i][j], back[j][i], "%d to %d", n, out)
			}
		}
	}
	var gaps axisMap // windows with gaps between them, and one that is all padding
	gaps.average(0, 0, 2)
	gaps.average(1, 2, 2)
	gaps.average(5, 1, 2)
	rows, back := matrix(gaps, 7), matrix(gaps.transposed(7), 3)
	for i := range rows {
		for j := range back {
			require.Equal(t, rows[i][j], back[j][i])
		}
	}
}
