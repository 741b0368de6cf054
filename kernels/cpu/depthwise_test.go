package cpu

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// depthwiseCase is one call of the kernels of convolutions in groups of 1<<group channels on a random
// picture.
type depthwiseCase struct{ positions, channels, group, rows, cols, step, dil, flags int }

// What the flags of a depthwiseCase ask for.
const (
	caseBias = 1 << iota
	caseResidual
	caseReLU
	casePast
	caseApart   // outputs do not follow each other
	caseReverse // the window's weights are taken from the last element on
	caseFlags
)

// compare runs both kernels of a level, and the Go ones.
func (tc depthwiseCase) compare(t *testing.T, l *level, seed uint64) {
	t.Helper()
	if 1<<tc.group > l.lanes {
		return
	}
	tc.channels = roundUp(tc.channels, 1<<tc.group)
	for _, gradient := range []bool{false, true} {
		if !gradient && 1<<tc.group == l.lanes {
			continue // that is a product
		}
		want, got := tc.run(&streamGo, genericWidth, gradient, seed),
			tc.run(l.stream, l.width, gradient, seed)
		n := float64(tc.rows*tc.cols<<tc.group + tc.positions)
		want.same(t, got, n*eps/4, fmt.Sprintf("gradient %v %+v", gradient, tc))
	}
}

// run calls a kernel whose panels have some width. What it reads and writes is the same for all.
func (tc depthwiseCase) run(s *streamKernels, width int, gradient bool, seed uint64) *arena {
	a := &arena{rng: rand.New(rand.NewPCG(seed, 2))}
	has := func(flag int) bool { return tc.flags&flag != 0 }
	w := (tc.positions-1)*tc.step + (tc.cols-1)*tc.dil + 1
	there := max(1, tc.rows)
	x := a.slice(((there-1)*tc.dil+1)*w*tc.channels, false)
	outStep := tc.channels
	if has(caseApart) {
		outStep += 16
	}
	y, res := a.slice(tc.positions*outStep, true), a.slice(tc.positions*outStep, false)
	bias := a.slice(tc.channels, false)
	window := there * tc.cols << tc.group
	weights := a.slice(tc.channels*window, false)
	panels := panelsOf(weights, tc.channels, window, width)
	args := &depthwiseArgs{out: &y[0], in: &x[0], weights: &panels[0], positions: tc.positions,
		channels: tc.channels, group: 1 << tc.group, rows: tc.rows, cols: tc.cols, outStep: 4 * outStep,
		inStep: 4 * tc.channels * tc.step, rowStep: 4 * tc.channels * tc.dil * (w - tc.cols),
		colStep: 4 * tc.channels * tc.dil, colWeight: 4 * width << tc.group, panel: 4 * width * window}
	kernel := s.slideWeights[tc.group]
	if !gradient {
		kernel = s.slide[tc.group]
		if has(caseBias) {
			args.bias = &bias[0]
		}
		if has(caseResidual) {
			args.res = &res[0]
		}
		args.rectify = tc.flags & caseReLU
		if outStep%16 == 0 && tc.channels%16 == 0 {
			args.past = tc.flags & casePast
		}
		if has(caseReverse) {
			args.weights, args.colWeight = &panels[(window-1<<tc.group)*width], -args.colWeight
		}
	}
	kernel(args)
	if gradient {
		for j := range weights {
			c, e := j/window, j%window
			weights[j] = panels[c/width*width*window+e*width+c%width]
		}
	}
	return a
}

// panelsOf packs the weights of some channels, a window each.
func panelsOf(weights []float32, channels, window, width int) []float32 {
	panels := make([]float32, roundUp(channels, width)*window)
	for j, v := range weights {
		c, e := j/window, j%window
		panels[c/width*width*window+e*width+c%width] = v
	}
	return panels
}

func TestDepthwiseAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for channels := 1; channels < 150; channels++ {
			for i := range 8 {
				depthwiseCase{1 + (channels+i)%9, channels, (channels + i) % groupSizes, (channels + i) % 4,
					1 + i%5, 1 + i%2, 1 + channels%2, (11*channels + i) % caseFlags}.compare(t, l, uint64(i))
			}
		}
	})
}

func FuzzDepthwise(f *testing.F) {
	f.Add(uint8(3), uint8(64), uint8(0), uint8(3), uint8(3), uint8(2), uint8(1), uint8(0), uint64(1))
	f.Add(uint8(9), uint8(95), uint8(3), uint8(3), uint8(3), uint8(0), uint8(1), uint8(5), uint64(2))
	f.Fuzz(func(t *testing.T, positions, channels, group, rows, cols, step, dil, flags uint8, seed uint64) {
		for _, l := range levels {
			if l.supported() {
				depthwiseCase{1 + int(positions)%19, 1 + int(channels), int(group) % groupSizes,
					int(rows) % 8, 1 + int(cols)%8, 1 + int(step)%4, 1 + int(dil)%3,
					int(flags) % caseFlags}.compare(t, l, seed)
			}
		}
	})
}
