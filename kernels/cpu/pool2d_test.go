package cpu

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// poolCase is one call of the pooling kernels on a random picture.
type poolCase struct{ positions, channels, rows, cols, step, dil, flags int }

// compare runs every pooling kernel of a level, and the Go one.
func (tc poolCase) compare(t *testing.T, l *level, seed uint64) {
	t.Helper()
	pick := func(s *streamKernels, i int) func(*poolArgs) {
		return []func(*poolArgs){s.maxPool, s.maxPoolIndex, s.maxUnpool, s.sumPool}[i]
	}
	for i := range 4 {
		name := fmt.Sprintf("kernel %d %+v", i, tc)
		want, wantPlaces := tc.run(pick(&streamGo, i), i == 2, seed)
		got, gotPlaces := tc.run(pick(l.stream, i), i == 2, seed)
		want.same(t, got, 0, name)
		require.Equal(t, wantPlaces, gotPlaces, name)
	}
}

// run calls a kernel; back gives it places beside the windows, else they are beside the output.
func (tc poolCase) run(kernel func(*poolArgs), back bool, seed uint64) (*arena, []int32) {
	a := &arena{rng: rand.New(rand.NewPCG(seed, 1))}
	w := (tc.positions-1)*tc.step + (tc.cols-1)*tc.dil + 1
	in := a.slice(((tc.rows-1)*tc.dil+1)*w*tc.channels, false)
	outStep := tc.channels
	if tc.flags&4 != 0 {
		outStep += 16
	}
	out := a.slice(tc.positions*outStep, true)
	args := &poolArgs{out: &out[0], in: &in[0], positions: tc.positions, channels: tc.channels,
		rows: tc.rows, cols: tc.cols, outStep: 4 * outStep, inStep: 4 * tc.channels * tc.step,
		rowStep: 4 * tc.channels * tc.dil * w, colStep: 4 * tc.channels * tc.dil,
		first: 5, place: tc.step, rowPlace: tc.dil*w - tc.cols*tc.dil, colPlace: tc.dil,
		add: tc.flags & 1, scale: 0.3}
	if outStep%16 == 0 && tc.channels%16 == 0 && args.add == 0 {
		args.past = tc.flags & 2
	}
	places := make([]int32, len(out))
	if back {
		places = make([]int32, len(in))
		for i := range places {
			places[i] = 5 + int32(tc.step*a.rng.IntN(tc.positions))
		}
	}
	args.index = &places[0]
	kernel(args)
	return a, places
}

func TestPoolsAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for channels := 1; channels < 150; channels++ {
			for i := range 8 {
				tc := poolCase{1 + channels%4, channels, 1 + (channels+i)%3, 1 + i%3, 1 + i%2,
					1 + channels%2, i}
				tc.compare(t, l, uint64(i))
			}
		}
	})
}

func FuzzPools(f *testing.F) {
	f.Add(uint8(3), uint8(64), uint8(3), uint8(3), uint8(2), uint8(1), uint8(0), uint64(1))
	f.Fuzz(func(t *testing.T, positions, channels, rows, cols, step, dil, flags uint8, seed uint64) {
		for _, l := range levels {
			if l.supported() {
				poolCase{1 + int(positions)%9, 1 + int(channels), 1 + int(rows)%5, 1 + int(cols)%5,
					1 + int(step)%4, 1 + int(dil)%3, int(flags) % 8}.compare(t, l, seed)
			}
		}
	})
}

// TestPoolRuns sees that runs serve every position once, with its own span.
func TestPoolRuns(t *testing.T) {
	for _, w := range []struct{ n, k, stride, pad, dil int }{
		{112, 3, 2, 1, 1}, {7, 3, 1, 1, 1}, {10, 2, 3, 0, 1}, {11, 3, 2, 2, 2}, {1, 1, 1, 0, 1},
		{5, 5, 2, 2, 1},
	} {
		win := kernels.Window{KH: w.k, KW: 1, StrideH: w.stride, StrideW: 1, PadH: w.pad,
			DilH: w.dil, DilW: 1}
		out, _ := win.Out(w.n, 1)
		for _, tc := range []struct {
			spans      []span
			step, move int
		}{
			{spans(out, w.n, w.k, w.stride, w.pad, w.dil), 1, w.stride},
			{holders(out, w.n, w.k, w.stride, w.pad, w.dil), w.stride, 1},
		} {
			seen := make([]int, len(tc.spans))
			for _, r := range runsOf(tc.spans, tc.step, tc.move, poolWork/4) {
				require.LessOrEqual(t, r.count, 4)
				for i := range r.count {
					s := tc.spans[r.at+i*tc.step]
					seen[r.at+i*tc.step]++
					require.Equal(t, r.n, s.n)
					if s.n > 0 {
						require.Equal(t, r.first+i*tc.move, s.first)
					}
				}
			}
			for i, n := range seen {
				require.Equal(t, 1, n, "%+v position %d", w, i)
			}
		}
	}
}
