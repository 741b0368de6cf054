package cpu

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// measureBytes times f, which has been checked, in turn with copies that move as many bytes, read and
// written, in chunks as large as those of f, and so large that they go past the caches. It reports GB/s of
// the bytes that f must move, and their share of the faster copy's. Times are lower quartiles: whatever else
// the machine does only adds to them.
func measureBytes(b *testing.B, be *Backend, bytes int, f func()) {
	through, past := copier(be, bytes/8, elementGrain), copier(be, bytes/8, 1<<19)
	var ours, copies, others []time.Duration
	for b.Loop() {
		ours = append(ours, timed(f, 4)...)
		copies = append(copies, timed(through, 4)...)
		others = append(others, timed(past, 4)...)
	}
	t := quartile(ours)
	b.ReportMetric(float64(t.Nanoseconds()), "ns/op")
	b.ReportMetric(float64(bytes)/t.Seconds()/1e9, "GB/s")
	b.ReportMetric(float64(min(quartile(copies), quartile(others)))/float64(t), "of-copy")
}

// timed is the times of n calls of f, after one that fills the caches.
func timed(f func(), n int) (d []time.Duration) {
	f()
	for range n {
		start := time.Now()
		f()
		d = append(d, time.Since(start))
	}
	return d
}

func quartile(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/4]
}

// copier copies n floats to n others, on all cores, in chunks.
func copier(be *Backend, n, grain int) func() {
	x, y := make([]float32, n), make([]float32, n)
	for i := range x {
		x[i] = 1 // memory that nobody has written is one page, of zeros
	}
	return func() { be.parallel(n, grain, func(lo, hi int) { copy(y[lo:hi], x[lo:hi]) }) }
}

func BenchmarkSoftmax(b *testing.B) {
	for _, s := range [][2]int{{600, 197}, {4 * 16 * 197, 197}, {32 * 16 * 197, 197}} {
		b.Run(fmt.Sprintf("%dx%d", s[0], s[1]), func(b *testing.B) {
			benchLevels(b, func(b *testing.B, be *Backend) {
				n := s[0] * s[1]
				x, y, want := randomFloats(rand.New(rand.NewPCG(1, 1)), n), make([]float32, n),
					make([]float32, n)
				op := kernels.Softmax{R: s[0], D: s[1], X: of(x), Y: of(y)}
				be.Softmax(op)
				softmaxGo(&want[0], &x[0], nil, s[1], s[0], 0)
				requireNear(b, want, y)
				measureBytes(b, be, 8*n, func() { be.Softmax(op) })
			})
		})
	}
}

// requireNear fails unless two results differ by no more than 1e-6 of the largest value.
func requireNear(b *testing.B, want, got []float32) {
	worst, size := 0.0, 0.0
	for i, w := range want {
		worst, size = max(worst, float64(w-got[i]), float64(got[i]-w)), max(size, float64(w), -float64(w))
	}
	require.LessOrEqual(b, worst, 1e-6*size)
}

// elementSizes fit in the second-level caches, in the third, and in none.
var elementSizes = []int{1 << 15, 788 * 4096, 8 * 788 * 4096}

func BenchmarkElementwise(b *testing.B) {
	type operands struct {
		n         int
		x, y, dy  kernels.Buf
		dx, added kernels.Grad
	}
	for _, c := range []struct {
		name  string
		bytes int // of an element
		run   func(be *Backend, o operands)
	}{
		{"gelu", 8, func(be *Backend, o operands) { be.GELU(kernels.GELU{N: o.n, X: o.x, Y: o.y}) }},
		{"gelu-backward", 12, func(be *Backend, o operands) {
			be.GELUBackward(kernels.GELUGrad{GELU: kernels.GELU{N: o.n, X: o.x}, DY: o.dy, DX: o.dx})
		}},
		{"gelu-backward-added", 16, func(be *Backend, o operands) {
			be.GELUBackward(kernels.GELUGrad{GELU: kernels.GELU{N: o.n, X: o.x}, DY: o.dy, DX: o.added})
		}},
		{"sigmoid", 8, func(be *Backend, o operands) { be.Sigmoid(kernels.Sigmoid{N: o.n, X: o.x, Y: o.y}) }},
		{"sigmoid-backward", 12, func(be *Backend, o operands) {
			be.SigmoidBackward(kernels.SigmoidGrad{Sigmoid: kernels.Sigmoid{N: o.n, Y: o.x},
				DY: o.dy, DX: o.dx})
		}},
		{"dropout", 8, func(be *Backend, o operands) {
			be.Dropout(kernels.Dropout{N: o.n, P: 0.1, Seed: 3, X: o.x, Y: o.y})
		}},
	} {
		for _, n := range elementSizes {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				benchLevels(b, func(b *testing.B, be *Backend) {
					rng := rand.New(rand.NewPCG(1, 1))
					y, dx := make([]float32, n), make([]float32, n)
					o := operands{n: n, x: of(randomFloats(rng, n)), y: of(y), dy: of(randomFloats(rng, n)),
						dx: written(dx)}
					o.added = kernels.Grad{Buf: o.dx.Buf, Acc: true}
					c.run(be, o)
					gotY, gotDX := slices.Clone(y), slices.Clone(dx)
					clear(dx)
					c.run(testBackend(b, generic), o)
					requireNear(b, y, gotY)
					requireNear(b, dx, gotDX)
					measureBytes(b, be, c.bytes*n, func() { c.run(be, o) })
				})
			})
		}
	}
}

func BenchmarkLayerNorm(b *testing.B) {
	for _, r := range []int{32, 4 * 197, 32 * 197} {
		const d = 1024
		n := r * d
		x, dy := randomFloats(rand.New(rand.NewPCG(1, 1)), n), randomFloats(rand.New(rand.NewPCG(2, 1)), n)
		gamma, beta := randomFloats(rand.New(rand.NewPCG(3, 1)), d),
			randomFloats(rand.New(rand.NewPCG(4, 1)), d)
		run := func(be *Backend, back bool) (f func(), y, dx, dgamma []float32) {
			y, dx, dgamma = make([]float32, n), make([]float32, n), make([]float32, d)
			op := kernels.LayerNorm{R: r, D: d, Eps: 1e-6, X: of(x), Gamma: of(gamma), Beta: of(beta),
				Y: of(y), Mean: of(make([]float32, r)), RStd: of(make([]float32, r))}
			be.LayerNorm(op)
			g := kernels.LayerNormGrad{LayerNorm: op, DY: of(dy), DX: written(dx), DGamma: written(dgamma),
				DBeta: written(make([]float32, d))}
			be.LayerNormBackward(g)
			if back {
				return func() { be.LayerNormBackward(g) }, y, dx, dgamma
			}
			return func() { be.LayerNorm(op) }, y, dx, dgamma
		}
		for i, name := range []string{"forward", "backward"} {
			b.Run(fmt.Sprintf("%s/%dx%d", name, r, d), func(b *testing.B) {
				benchLevels(b, func(b *testing.B, be *Backend) {
					f, y, dx, dgamma := run(be, i == 1)
					_, wantY, wantDX, wantDGamma := run(testBackend(b, generic), i == 1)
					requireNear(b, wantY, y)
					requireNear(b, wantDX, dx)
					requireNear(b, wantDGamma, dgamma)
					measureBytes(b, be, []int{8, 12}[i]*n, f)
				})
			})
		}
	}
}
