package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// winogradCase is one call of a transform on random data.
type winogradCase struct {
	m, count, tiles, rows, cols, flags int
}

// spreads and collects are the transforms to planes and from planes, and the side of what they read or write.
func (k *winogradKernels) spreads(m int) map[int]winogradKernel {
	return map[int]winogradKernel{m + 2: k.input, m: k.gradient, 3: k.filter}
}

func (k *winogradKernels) collects(m int) map[int]winogradKernel {
	return map[int]winogradKernel{m: k.output, 3: k.weights}
}

// input compares a level's transforms of pixels, positions and weights with those in Go.
func (tc winogradCase) input(t *testing.T, l *level, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	n := tc.m + 2
	x := randomFloats(rng, 40*tc.count+8*tc.tiles)
	offsets := make([]int64, n*n)
	for i := range offsets {
		offsets[i] = int64(4 * rng.IntN(39*tc.count))
	}
	plane := tc.tiles*(tc.count+3) + 5
	run := func(k winogradKernel) []float32 {
		v := guarded(n*n*plane + 2)
		room := make([]float32, 36*16+16)
		k(&winogradArgs{
			pixels: address(x, 0), offsets: uintptr(unsafe.Pointer(&offsets[0])), planes: address(v, 1),
			scratch: address(room, 0), plane: 4 * plane, step: 32, advance: 4 * (tc.count + 3),
			count: tc.count, tiles: tc.tiles,
		})
		runtime.KeepAlive([]any{x, offsets, room})
		return v
	}
	for side, k := range l.winograd[tc.m/4].spreads(tc.m) {
		near(t, run(winogradGo[tc.m/4].spreads(tc.m)[side]), run(k), 1e-5,
			fmt.Sprintf("%+v, side %d", tc, side))
	}
}

// output compares a level's transforms of products with those in Go.
func (tc winogradCase) output(t *testing.T, l *level, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 2))
	n := tc.m + 2
	plane := tc.tiles*tc.count + 7
	m, bias := randomFloats(rng, n*n*plane), randomFloats(rng, tc.count)
	col := tc.count + 2
	row := (tc.tiles*max(tc.m, 3) + 1) * col
	res := randomFloats(rng, max(tc.m, 3)*row+col)
	run := func(k winogradKernel, side int) []float32 {
		y := guarded(len(res))
		room := make([]float32, 36*16+16)
		k(&winogradArgs{
			pixels: address(y, 1), planes: address(m, 0), scratch: address(room, 0), plane: 4 * plane,
			step: 4 * side * col, advance: 4 * tc.count, row: 4 * row, col: 4 * col,
			rows: min(side, tc.rows), cols: min(side, tc.cols), res: address(res, 0) - address(y, 0),
			bias: address(bias, 0), flags: tc.flags, count: tc.count, tiles: tc.tiles,
		})
		runtime.KeepAlive([]any{m, bias, res, room})
		return y
	}
	for side, k := range l.winograd[tc.m/4].collects(tc.m) {
		want := run(winogradGo[tc.m/4].collects(tc.m)[side], side)
		near(t, want, run(k, side), 1e-4, fmt.Sprintf("%+v, side %d", tc, side))
	}
}

// guarded is n guard values.
func guarded(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = guard
	}
	return x
}

// near compares where Go has written; elsewhere both must have left the guard.
func near(t *testing.T, want, got []float32, tolerance float64, of any) {
	t.Helper()
	for i, w := range want {
		if w == guard {
			require.Equal(t, guard, got[i], "%+v: element %d is not to be written", of, i)
			continue
		}
		if !(math.Abs(float64(w-got[i])) <= tolerance) {
			require.InDelta(t, w, got[i], tolerance, "%+v: element %d", of, i)
		}
	}
}

func TestWinogradTransformsAgainstGo(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		for _, m := range []int{2, 4} {
			for count := 16; count < 1000; count += 16 {
				tc := winogradCase{m, count, 1 + count/16%3, 1 + count/16%4, 1 + count/32%4, count / 16 % 8}
				tc.rows, tc.cols = min(tc.rows, max(m, 3)), min(tc.cols, max(m, 3))
				tc.input(t, l, uint64(count))
				tc.output(t, l, uint64(count))
			}
		}
	})
}

func FuzzWinogradTransforms(f *testing.F) {
	f.Add(true, uint8(1), uint8(3), uint8(4), uint8(4), uint8(7), uint64(1))
	f.Add(false, uint8(4), uint8(1), uint8(1), uint8(2), uint8(0), uint64(2))
	f.Fuzz(func(t *testing.T, four bool, count, tiles, rows, cols, flags uint8, seed uint64) {
		m := 2
		if four {
			m = 4
		}
		most := max(m, 3)
		tc := winogradCase{m, 16 + 16*(int(count)%20), 1 + int(tiles)%5, 1 + int(rows)%most,
			1 + int(cols)%most, int(flags) % 8}
		for _, l := range levels {
			if l.supported() {
				tc.input(t, l, seed)
				tc.output(t, l, seed)
			}
		}
	})
}

// winogradShapes are pictures of every relation to tiles, paddings and dilations, and grids of both kinds.
var winogradShapes = []struct {
	b, h, w, c, oc int
	p, d           [2]int
}{
	{1, 4, 4, 16, 16, [2]int{1, 1}, [2]int{1, 1}},
	{2, 7, 9, 16, 48, [2]int{1, 1}, [2]int{1, 1}},
	{1, 1, 1, 16, 16, [2]int{1, 1}, [2]int{1, 1}},
	{1, 2, 13, 32, 80, [2]int{3, 0}, [2]int{1, 1}},
	{3, 14, 14, 32, 32, [2]int{0, 2}, [2]int{1, 1}},
	{1, 19, 17, 16, 16, [2]int{2, 2}, [2]int{2, 2}},
	{2, 11, 13, 16, 32, [2]int{3, 4}, [2]int{3, 4}},
	{1, 3, 5, 16, 16, [2]int{4, 4}, [2]int{4, 4}},
	{1, 9, 14, 208, 112, [2]int{1, 1}, [2]int{1, 1}},
	{1, 33, 33, 1024, 16, [2]int{1, 1}, [2]int{1, 1}}, // more than one block of shared tiles
	{7, 13, 9, 16, 16, [2]int{1, 1}, [2]int{1, 1}},    // more than one chunk
	{0, 8, 8, 16, 16, [2]int{1, 1}, [2]int{1, 1}},
	{1, 2, 2, 16, 16, [2]int{0, 0}, [2]int{1, 1}},
}

// winogradOp is a convolution of such a shape with its operands.
func winogradOp(rng *rand.Rand, i int) kernels.Conv2D {
	s := winogradShapes[i]
	op := kernels.Conv2D{Window: kernels.Window{KH: 3, KW: 3, StrideH: 1, StrideW: 1,
		PadH: s.p[0], PadW: s.p[1], DilH: s.d[0], DilW: s.d[1]},
		B: s.b, H: s.h, W: s.w, C: s.c, OC: s.oc, Groups: 1}
	g := conv2DGeometry(op)
	op.X, op.Weight = of(randomFloats(rng, g.pixels()*g.c)), of(randomFloats(rng, g.oc*g.window()))
	op.Y = of(make([]float32, g.positions()*g.oc))
	if i%2 == 0 {
		op.Bias, op.Act = of(randomFloats(rng, g.oc)), kernels.WithReLU
	}
	if i%3 == 0 {
		op.Residual = of(randomFloats(rng, g.positions()*g.oc))
	}
	return op
}

func TestWinogradAgainstDirect(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		be := testBackend(t, l)
		for i, s := range winogradShapes {
			forChoices(be, winogradChoices, func(forced string) {
				for _, m := range []int{2, 4} {
					op := winogradOp(rand.New(rand.NewPCG(uint64(i), 5)), i)
					be.Conv2D(op)
					want := append([]float32(nil), floats(op.Y)...)
					whole := guarded(len(want) + 2)
					op.Y, op.Packed = of(whole[1:len(want)+1]), be.packWinograd(op, m)
					op.Weight = kernels.Buf{}
					be.Conv2D(op)
					name := fmt.Sprintf("%+v, m = %d%s", s, m, forced)
					near(t, append(append([]float32{guard}, want...), guard), whole,
						2e-6*float64(9*s.c), name)
					require.Less(t, relative(floats(op.Y), want), 3e-6, name)
				}
			})
		}
	})
}

// relative is the relative L2 error.
func relative(got, want []float32) float64 {
	var d, n float64
	for i, w := range want {
		d += math.Pow(float64(got[i])-float64(w), 2)
		n += math.Pow(float64(w), 2)
	}
	return math.Sqrt(d / max(n, 1e-30))
}

func TestWinogradIsChosenByShape(t *testing.T) {
	for _, tc := range []struct{ b, h, c, oc, dilation, m int }{
		{1, 56, 64, 64, 1, 4}, {1, 28, 128, 128, 1, 4}, {1, 14, 256, 256, 1, 2}, {1, 7, 512, 512, 1, 2},
		{8, 14, 256, 256, 1, 4}, {8, 7, 512, 512, 1, 4}, {1, 28, 512, 512, 4, 4}, {1, 28, 2048, 512, 1, 4},
		{1, 4, 64, 64, 1, 0}, {1, 1, 64, 64, 1, 0}, {0, 56, 64, 64, 1, 0},
		{1, 56, 3, 64, 1, 0}, {1, 56, 64, 21, 1, 0},
	} {
		d := tc.dilation
		op := kernels.Conv2D{Window: kernels.Window{KH: 3, KW: 3, StrideH: 1, StrideW: 1,
			PadH: d, PadW: d, DilH: d, DilW: d}, B: tc.b, H: tc.h, W: tc.h, C: tc.c, OC: tc.oc, Groups: 1}
		require.Equal(t, tc.m, winogradFor(op), "%+v", tc)
	}
}

func TestWinogradGradientsAreChosenByShape(t *testing.T) {
	be := testBackend(t, generic)
	for _, tc := range []struct{ b, h, c, oc, dilation, dx, dw int }{
		{8, 56, 64, 64, 1, 4, 4}, {8, 14, 256, 256, 1, 4, 4}, {4, 28, 512, 512, 4, 4, 4},
		{4, 28, 2048, 512, 1, 4, 4}, {1, 7, 512, 512, 1, 0, 0}, {1, 56, 3, 64, 1, 0, 0},
		{0, 56, 64, 64, 1, 0, 0},
	} {
		d := tc.dilation
		op := kernels.Conv2D{Window: kernels.Window{KH: 3, KW: 3, StrideH: 1, StrideW: 1,
			PadH: d, PadW: d, DilH: d, DilW: d}, B: tc.b, H: tc.h, W: tc.h, C: tc.c, OC: tc.oc, Groups: 1}
		g := conv2DGeometry(op)
		require.Zero(t, be.winogradTrains(op, g), "no batch norm is behind: %+v", tc)
		op.Sums = kernels.Of(make([]float64, 2*tc.oc))
		require.Equal(t, tc.dx, be.winogradTrains(op, g.mirrored()), "%+v", tc)
		require.Equal(t, tc.dw, be.winogradTrains(op, g), "%+v", tc)
		be.choices = words["exact"]
		require.Zero(t, be.winogradTrains(op, g), "exact: %+v", tc)
		be.choices = choices{}
	}
}
