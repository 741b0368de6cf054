package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// magnitudes is |L|, where line is y = L·x on vectors of from elements.
func magnitudes(from, to int, line func(m int, x, y []float32), m int) [][]float64 {
	l := make([][]float64, to)
	for i := range l {
		l[i] = make([]float64, from)
	}
	for j := range from {
		var x, y [6]float32
		x[j] = 1
		line(m, x[:], y[:])
		for i := range to {
			l[i][j] = math.Abs(float64(y[i]))
		}
	}
	return l
}

// sandwich is l·x·lᵀ.
func sandwich(l [][]float64, x []float64) []float64 {
	n, from := len(l), len(l[0])
	out := make([]float64, n*n)
	for i := range n * n {
		for p := range from * from {
			out[i] += l[i/n][p/from] * l[i%n][p%from] * x[p]
		}
	}
	return out
}

// sizes are what bounds the errors of gradients by Winograd's algorithm: the values of dx and dw with every
// entry of transforms and operands made positive. A rounding error is at most half a unit in the last place
// of one of the intermediate values, which all are parts of that.
type sizes struct {
	tiling
	input, output, filter, gradient, weights [][]float64
}

func sizesOf(g geometry, m int) *sizes {
	filter := func(m int, x, y []float32) {
		var in, out [6]float64
		for i := range 3 {
			in[i] = float64(x[i])
		}
		winogradFilterLine(m, in[:], out[:])
		for i, v := range out {
			y[i] = float32(v)
		}
	}
	n := m + 2
	return &sizes{tilingOf(g, m), magnitudes(n, n, winogradInputLine, m),
		magnitudes(n, m, winogradOutputLine, m), magnitudes(3, n, filter, m),
		magnitudes(m, n, winogradGradientLine, m), magnitudes(n, 3, winogradWeightsLine, m)}
}

// gather is a side×side tile of channel ch of a picture, made positive.
func (s *sizes) gather(x []float32, b, h, w, c, y0, x0, side, ch int) []float64 {
	out := make([]float64, side*side)
	for i := range out {
		if y, xx := y0+i/side*s.DilH, x0+i%side*s.DilW; y >= 0 && y < h && xx >= 0 && xx < w {
			out[i] = math.Abs(float64(x[((b*h+y)*w+xx)*c+ch]))
		}
	}
	return out
}

// planes are the transformed tiles of a picture, [tile][channel][n²].
func (s *sizes) planes(l [][]float64, x []float32, h, w, c, padH, padW int) (out [][][]float64) {
	for tile := range s.tiles() {
		p := s.place(tile)
		all := make([][]float64, c)
		for ch := range c {
			all[ch] = sandwich(l, s.gather(x, p.b, h, w, c, p.i-padH, p.j-padW, len(l[0]), ch))
		}
		out = append(out, all)
	}
	return out
}

// forward is the sizes of the results of the convolution, for weights that are read by at.
func (s *sizes) forward(x []float32, at func(o, e, c int) float32) []float64 {
	v := s.planes(s.input, x, s.h, s.w, s.c, s.PadH, s.PadW)
	out := make([]float64, s.positions()*s.oc)
	for o := range s.oc {
		u := make([][]float64, s.c)
		for c := range s.c {
			var g [9]float64
			for e := range g {
				g[e] = math.Abs(float64(at(o, e, c)))
			}
			u[c] = sandwich(s.filter, g[:])
		}
		for tile := range v {
			y, p := sandwich(s.output, sumOfProducts(v[tile], u)), s.place(tile)
			for i, size := range y {
				if r, q := p.i+i/s.m*s.DilH, p.j+i%s.m*s.DilW; r < s.oh && q < s.ow {
					out[((p.b*s.oh+r)*s.ow+q)*s.oc+o] = size
				}
			}
		}
	}
	return out
}

func sumOfProducts(a, b [][]float64) []float64 {
	sum := make([]float64, len(a[0]))
	for i := range a {
		for q := range sum {
			sum[q] += a[i][q] * b[i][q]
		}
	}
	return sum
}

// weightGradient is the sizes of dw.
func (s *sizes) weightGradient(x, dy []float32) []float64 {
	v := s.planes(s.input, x, s.h, s.w, s.c, s.PadH, s.PadW)
	w := s.planes(s.gradient, dy, s.oh, s.ow, s.oc, 0, 0)
	out := make([]float64, s.oc*9*s.c)
	for i := range s.oc * s.c {
		o, c := i/s.c, i%s.c
		var a, b [][]float64
		for tile := range v {
			a, b = append(a, v[tile][c]), append(b, w[tile][o])
		}
		for e, size := range sandwich(s.weights, sumOfProducts(a, b)) {
			out[(o*9+e)*s.c+c] = size
		}
	}
	return out
}

// requireSized compares by the bound of requireSums, with such sizes in place of those of the terms.
func requireSized(t *testing.T, want []sum, sizes []float64, terms int, got []float32, what string) {
	t.Helper()
	for i, w := range want {
		tol := (4*math.Sqrt(float64(terms)) + 4) * 0x1p-24 * max(sizes[i], w.size)
		if !(math.Abs(w.value-float64(got[i])) <= tol) {
			require.InDelta(t, w.value, got[i], tol, "%s element %d", what, i)
		}
	}
}

// TestWinogradGradients holds both gradients of all shapes to float64 and to the direct ones.
func TestWinogradGradients(t *testing.T) {
	for i, s := range winogradShapes {
		rng := rand.New(rand.NewPCG(uint64(i), 6))
		op := winogradOp(rng, i)
		op.Bias, op.Residual, op.Act = kernels.Buf{}, kernels.Buf{}, kernels.NoActivation
		g := conv2DGeometry(op)
		if g.positions() == 0 || s.c*s.oc > 8192 {
			continue
		}
		x, w, dy := floats(op.X), floats(op.Weight), randomFloats(rng, g.positions()*g.oc)
		maps := mapsOf(g, x, w, dy)
		for _, m := range []int{2, 4} {
			dxSizes := sizesOf(g.mirrored(), m).forward(dy,
				func(o, e, c int) float32 { return w[(c*9+8-e)*g.c+o] })
			dw := sizesOf(g, m)
			dwSizes := dw.weightGradient(x, dy)
			forLevels(t, func(t *testing.T, l *level) {
				be := testBackend(t, l)
				forChoices(be, winogradChoices, func(forced string) {
					name := fmt.Sprintf("%+v, m = %d%s", s, m, forced)
					for _, acc := range []bool{false, true} {
						gotX, gotW := guarded(len(x)+2), guarded(len(w)+2)
						inX, inW := gotX[1:len(x)+1], gotW[1:len(w)+1]
						wantX, wantW := maps.x, maps.w
						if acc {
							copy(inX, x)
							copy(inW, w)
							wantX, wantW = plus(maps.x, x), plus(maps.w, w)
						}
						be.winogradPicture(g.mirrored(), m, dy, w, inX, acc)
						be.winogradWeights(g, m, x, dy, inW, acc)
						requireSized(t, wantX, dxSizes, g.oc, inX, name+": dx")
						requireSized(t, wantW, dwSizes, dw.tiles(), inW, name+": dw")
						for _, got := range [][]float32{gotX, gotW} {
							require.Equal(t, [2]float32{guard, guard},
								[2]float32{got[0], got[len(got)-1]}, name)
						}
					}
				})
			})
		}
	}
}
