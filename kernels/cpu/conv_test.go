package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// convCases are geometries with every feature alone and together.
var convCases = []struct {
	name            string
	b, h, w, c, oc  int
	k, s, p, d      [2]int
	groups, outPadH int
}{
	{"1x1", 2, 5, 7, 13, 9, [2]int{1, 1}, [2]int{1, 1}, [2]int{}, [2]int{1, 1}, 1, 0},
	{"3x3 same", 2, 6, 5, 17, 70, [2]int{3, 3}, [2]int{1, 1}, [2]int{1, 1}, [2]int{1, 1}, 1, 0},
	{"few channels, padded", 2, 9, 8, 3, 8, [2]int{7, 7}, [2]int{2, 2}, [2]int{3, 3}, [2]int{1, 1}, 1, 1},
	{"patches", 1, 8, 8, 3, 20, [2]int{4, 4}, [2]int{4, 4}, [2]int{}, [2]int{1, 1}, 1, 0},
	{"1x1 stride 2", 1, 7, 7, 5, 6, [2]int{1, 1}, [2]int{2, 2}, [2]int{}, [2]int{1, 1}, 1, 1},
	{"3x3 stride 2", 2, 8, 9, 20, 11, [2]int{3, 3}, [2]int{2, 2}, [2]int{1, 1}, [2]int{1, 1}, 1, 1},
	{"dilated", 1, 9, 9, 18, 5, [2]int{3, 3}, [2]int{1, 1}, [2]int{2, 2}, [2]int{2, 2}, 1, 0},
	{"dilated, oblong", 2, 11, 6, 4, 7, [2]int{3, 2}, [2]int{2, 3}, [2]int{2, 0}, [2]int{3, 2}, 1, 1},
	{"groups", 1, 6, 6, 12, 8, [2]int{3, 3}, [2]int{1, 1}, [2]int{1, 1}, [2]int{1, 1}, 4, 0},
	{"depthwise", 2, 5, 6, 10, 10, [2]int{3, 3}, [2]int{2, 1}, [2]int{1, 1}, [2]int{1, 1}, 10, 0},
	{"depthwise, two each", 1, 5, 5, 3, 6, [2]int{3, 3}, [2]int{1, 1}, [2]int{1, 1}, [2]int{1, 1}, 3, 0},
	{"depthwise, panels", 2, 9, 11, 77, 77, [2]int{3, 3}, [2]int{1, 1}, [2]int{1, 1}, [2]int{1, 1}, 77, 0},
	{"depthwise, oblong", 1, 13, 12, 19, 19, [2]int{4, 5}, [2]int{2, 3}, [2]int{2, 1}, [2]int{3, 2}, 19, 1},
	{"depthwise, outside", 1, 3, 2, 16, 16, [2]int{2, 2}, [2]int{3, 2}, [2]int{4, 3}, [2]int{1, 1}, 16, 2},
	{"depthwise, no position", 1, 2, 2, 4, 4, [2]int{3, 3}, [2]int{1, 1}, [2]int{}, [2]int{1, 1}, 4, 0},
	{"groups of 2", 2, 7, 9, 22, 22, [2]int{3, 3}, [2]int{1, 1}, [2]int{1, 1}, [2]int{1, 1}, 11, 0},
	{"groups of 4, stride 2", 1, 11, 12, 84, 84, [2]int{3, 3}, [2]int{2, 2}, [2]int{1, 1},
		[2]int{1, 1}, 21, 1},
	{"groups of 8, dilated", 1, 9, 13, 72, 72, [2]int{3, 2}, [2]int{1, 1}, [2]int{2, 1}, [2]int{2, 1}, 9, 0},
	{"groups of 16", 2, 5, 7, 80, 80, [2]int{3, 3}, [2]int{1, 2}, [2]int{1, 1}, [2]int{1, 1}, 5, 0},
	{"pad over the edge", 1, 2, 2, 16, 3, [2]int{3, 3}, [2]int{1, 1}, [2]int{3, 3}, [2]int{1, 1}, 1, 0},
	{"stride over the window", 1, 9, 9, 2, 3, [2]int{2, 2}, [2]int{4, 3}, [2]int{}, [2]int{1, 1}, 1, 2},
	{"blocks, cropped", 2, 7, 9, 3, 5, [2]int{4, 4}, [2]int{2, 2}, [2]int{1, 1}, [2]int{1, 1}, 1, 0},
	{"blocks, far outside", 1, 9, 10, 5, 3, [2]int{6, 6}, [2]int{3, 3}, [2]int{4, 4}, [2]int{1, 1}, 1, 1},
	{"one block, cropped twice", 1, 4, 3, 2, 3, [2]int{8, 8}, [2]int{8, 8}, [2]int{2, 2}, [2]int{1, 1}, 1, 0},
	{"halves, dilated columns", 2, 13, 11, 5, 21, [2]int{8, 3}, [2]int{4, 2}, [2]int{3, 4},
		[2]int{1, 2}, 1, 2},
	{"halves, far outside", 1, 2, 3, 4, 3, [2]int{2, 2}, [2]int{1, 1}, [2]int{3, 1}, [2]int{1, 1}, 1, 0},
	{"blocks of panels", 1, 3, 5, 40, 9, [2]int{4, 4}, [2]int{4, 4}, [2]int{1, 1}, [2]int{1, 1}, 1, 0},
	{"many channels from few", 2, 9, 8, 3, 64, [2]int{3, 3}, [2]int{2, 2}, [2]int{1, 1}, [2]int{1, 1}, 1, 0},
	{"one pixel", 1, 1, 1, 1, 1, [2]int{1, 1}, [2]int{1, 1}, [2]int{}, [2]int{1, 1}, 1, 0},
	{"no position", 1, 2, 2, 3, 4, [2]int{3, 3}, [2]int{1, 1}, [2]int{}, [2]int{1, 1}, 1, 0},
	{"no picture", 0, 4, 4, 3, 4, [2]int{3, 3}, [2]int{1, 1}, [2]int{1, 1}, [2]int{1, 1}, 1, 0},
	{"deep", 1, 3, 3, 1700, 5, [2]int{3, 3}, [2]int{1, 1}, [2]int{1, 1}, [2]int{1, 1}, 1, 0},
	{"many positions", 1, 50, 45, 2, 3, [2]int{3, 3}, [2]int{1, 1}, [2]int{1, 1}, [2]int{1, 1}, 1, 0},
	{"wide", 1, 3, 530, 2, 3, [2]int{3, 3}, [2]int{2, 2}, [2]int{1, 1}, [2]int{1, 1}, 1, 0},
	{"1x1, many positions", 2, 30, 40, 16, 5, [2]int{1, 1}, [2]int{1, 1}, [2]int{}, [2]int{1, 1}, 1, 1},
}

// terms calls f with the indices of every product x[xi]·weight[wi] that goes into y[yi] of a convolution.
func terms(g geometry, f func(xi, wi, yi int)) {
	channels, perGroup := g.c/g.groups, g.oc/g.groups
	for pos := range g.positions() {
		b, i, j := pos/(g.oh*g.ow), pos/g.ow%g.oh, pos%g.ow
		for e := range g.KH * g.KW {
			y, x := i*g.StrideH-g.PadH+e/g.KW*g.DilH, j*g.StrideW-g.PadW+e%g.KW*g.DilW
			if y < 0 || y >= g.h || x < 0 || x >= g.w {
				continue
			}
			for o := range g.oc {
				for c := range channels {
					f(((b*g.h+y)*g.w+x)*g.c+o/perGroup*channels+c, (o*g.KH*g.KW+e)*channels+c, pos*g.oc+o)
				}
			}
		}
	}
}

// sum is a float64 sum with what bounds the error of a float32 one: the number and the size of its terms.
type sum struct{ value, size, n float64 }

func (s *sum) add(v float64) { *s = sum{s.value + v, s.size + math.Abs(v), s.n + 1} }

// requireSums compares by the bound of checkGemm.
func requireSums(t *testing.T, want []sum, got []float32, what string) {
	t.Helper()
	require.Len(t, got, len(want), what)
	for i, w := range want {
		if tol := (4*math.Sqrt(w.n) + 4) * 0x1p-24 * w.size; !(math.Abs(w.value-float64(got[i])) <= tol) {
			require.InDelta(t, w.value, got[i], tol, "%s element %d", what, i)
		}
	}
}

// linearMaps are the three products of a geometry, on float32 data, by the definition: y of x and w (or x of
// y and w, if the op is the transpose), and the gradients.
type linearMaps struct{ y, x, w []sum }

func mapsOf(g geometry, x, w, y []float32) linearMaps {
	m := linearMaps{make([]sum, len(y)), make([]sum, len(x)), make([]sum, len(w))}
	terms(g, func(xi, wi, yi int) {
		m.y[yi].add(float64(x[xi]) * float64(w[wi]))
		m.x[xi].add(float64(y[yi]) * float64(w[wi]))
		m.w[wi].add(float64(x[xi]) * float64(y[yi]))
	})
	return m
}

// plus adds rows of a per-channel or full operand to sums.
func plus(s []sum, more []float32) []sum {
	out := append([]sum(nil), s...)
	for i := range out {
		if len(more) > 0 {
			out[i].add(float64(more[i%len(more)]))
		}
	}
	return out
}

func TestConv2D(t *testing.T) {
	forEachConv(t, func(t *testing.T, b *Backend, rng *rand.Rand, op kernels.Conv2D, _ int) {
		g := conv2DGeometry(op)
		x, w := randomFloats(rng, g.pixels()*g.c), randomFloats(rng, g.oc*g.window())
		bias, res, dy := randomFloats(rng, g.oc), randomFloats(rng, g.positions()*g.oc),
			randomFloats(rng, g.positions()*g.oc)
		y := make([]float32, len(dy))
		op.X, op.Weight, op.Bias, op.Residual, op.Y = of(x), of(w), of(bias), of(res), of(y)
		sums := make([]float64, 2*g.oc)
		op.Sums = kernels.Of(sums)
		m := mapsOf(g, x, w, dy)
		b.Conv2D(op)
		requireSums(t, plus(plus(m.y, bias), res), y, "y")
		requireChannelSums(t, y, g.oc, sums)

		op.Bias, op.Residual = kernels.Buf{}, kernels.Buf{}
		b.Conv2D(op)
		requireSums(t, m.y, y, "y without bias and residual")

		for _, acc := range []bool{false, true} {
			dx, dw, db, dres := randomFloats(rng, len(x)), randomFloats(rng, len(w)),
				randomFloats(rng, g.oc), randomFloats(rng, len(y))
			want := []([]sum){m.x, m.w, columnsOf(dy, g.oc), plus(make([]sum, len(dy)), dy)}
			if acc {
				want = []([]sum){plus(m.x, dx), plus(m.w, dw), plus(want[2], db), plus(want[3], dres)}
			}
			to := func(x []float32) kernels.Grad { return kernels.Grad{Buf: of(x), Acc: acc} }
			b.Conv2DBackward(kernels.Conv2DGrad{Conv2D: op, DY: of(dy), DX: to(dx), DWeight: to(dw),
				DBias: to(db), DResidual: to(dres)})
			for i, got := range [][]float32{dx, dw, db, dres} {
				requireSums(t, want[i], got, fmt.Sprintf("gradient %d, acc %v", i, acc))
			}
		}
	})
}

func TestConvTranspose2D(t *testing.T) {
	forEachConv(t, func(t *testing.T, b *Backend, rng *rand.Rand, c kernels.Conv2D, outPad int) {
		op := kernels.ConvTranspose2D{Window: c.Window, OutPadH: outPad, B: c.B, H: c.H, W: c.W,
			C: c.C, OC: c.OC, Groups: c.Groups}
		g := transposedGeometry(op) // its positions are the op's input
		x, w := randomFloats(rng, g.positions()*g.oc), randomFloats(rng, g.oc*g.window())
		bias, res, dy := randomFloats(rng, op.OC), randomFloats(rng, g.pixels()*op.OC),
			randomFloats(rng, g.pixels()*op.OC)
		y := make([]float32, len(dy))
		op.X, op.Weight, op.Bias, op.Residual, op.Y = of(x), of(w), of(bias), of(res), of(y)
		sums := make([]float64, 2*op.OC)
		op.Sums = kernels.Of(sums)
		m := mapsOf(g, dy, w, x)
		b.ConvTranspose2D(op)
		requireSums(t, plus(plus(m.x, bias), res), y, "y")
		requireChannelSums(t, y, op.OC, sums)

		for _, acc := range []bool{false, true} {
			dx, dw, db := randomFloats(rng, len(x)), randomFloats(rng, len(w)), randomFloats(rng, op.OC)
			want := []([]sum){m.y, m.w, columnsOf(dy, op.OC)}
			if acc {
				want = []([]sum){plus(m.y, dx), plus(m.w, dw), plus(want[2], db)}
			}
			to := func(x []float32) kernels.Grad { return kernels.Grad{Buf: of(x), Acc: acc} }
			b.ConvTranspose2DBackward(kernels.ConvTranspose2DGrad{ConvTranspose2D: op, DY: of(dy),
				DX: to(dx), DWeight: to(dw), DBias: to(db)})
			for i, got := range [][]float32{dx, dw, db} {
				requireSums(t, want[i], got, fmt.Sprintf("gradient %d, acc %v", i, acc))
			}
		}
	})
}

func forEachConv(
	t *testing.T, f func(t *testing.T, b *Backend, rng *rand.Rand, op kernels.Conv2D, outPad int),
) {
	forLevels(t, func(t *testing.T, l *level) {
		b := testBackend(t, l)
		forChoices(b, convChoices, func(forced string) {
			for _, tc := range convCases {
				op := kernels.Conv2D{
					Window: kernels.Window{KH: tc.k[0], KW: tc.k[1], StrideH: tc.s[0], StrideW: tc.s[1],
						PadH: tc.p[0], PadW: tc.p[1], DilH: tc.d[0], DilW: tc.d[1]},
					B: tc.b, H: tc.h, W: tc.w, C: tc.c, OC: tc.oc, Groups: tc.groups}
				run := func(t *testing.T) { f(t, b, rand.New(rand.NewPCG(5, 5)), op, tc.outPadH) }
				t.Run(tc.name+forced, run)
				if tc.groups > 1 && tc.c == tc.oc {
					b.choices.depthwise = never
					t.Run(tc.name+forced+" as products", run)
					b.choices.depthwise = automatic
				}
			}
		})
	})
}

func columnsOf(x []float32, c int) []sum {
	out := make([]sum, c)
	for i, v := range x {
		out[i%c].add(float64(v))
	}
	return out
}

// requireChannelSums compares with sums in another order: float64 rounding apart, they are equal.
func requireChannelSums(t *testing.T, y []float32, c int, got []float64) {
	t.Helper()
	want := make([]float64, 2*c)
	for i, v := range y {
		want[i%c] += float64(v)
		want[c+i%c] += float64(v) * float64(v)
	}
	for i, v := range want {
		require.InDelta(t, v, got[i], 1e-10*(1+want[c+i%c]), "channel sum %d", i)
	}
}
