package cpu

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// BenchmarkWinograd checks Winograd's convolution against the direct one, then times all three on packed
// weights. GFLOP/s are those of the direct one.
func BenchmarkWinograd(b *testing.B) {
	for _, s := range []struct {
		name           string
		b, h, c, oc, d int
	}{
		{"56x56x64", 1, 56, 64, 64, 1},
		{"28x28x128", 1, 28, 128, 128, 1},
		{"14x14x256", 1, 14, 256, 256, 1},
		{"7x7x512", 1, 7, 512, 512, 1},
		{"56x56x64 b8", 8, 56, 64, 64, 1},
		{"28x28x128 b8", 8, 28, 128, 128, 1},
		{"14x14x256 b8", 8, 14, 256, 256, 1},
		{"7x7x512 b8", 8, 7, 512, 512, 1},
		{"28x28x256 dilation 2", 1, 28, 256, 256, 2},
		{"28x28x512 dilation 4", 1, 28, 512, 512, 4},
		{"28x28x2048-512", 1, 28, 2048, 512, 1},
		{"28x28x256 dilation 2 b4", 4, 28, 256, 256, 2},
		{"28x28x512 dilation 4 b4", 4, 28, 512, 512, 4},
		{"28x28x2048-512 b4", 4, 28, 2048, 512, 1},
		{"64x64x16", 1, 64, 16, 16, 1},
		{"32x32x32", 1, 32, 32, 32, 1},
	} {
		b.Run(s.name, func(b *testing.B) {
			benchLevels(b, func(b *testing.B, be *Backend) {
				rng := rand.New(rand.NewPCG(1, 1))
				op := convolution3x3(rng, s.b, s.h, s.c, s.oc, s.d)
				n := s.b * s.h * s.h
				op.Bias = of(randomFloats(rng, s.oc))
				op.Y, op.Act = of(make([]float32, n*s.oc)), kernels.WithReLU
				be.Conv2D(op)
				want := append([]float32(nil), floats(op.Y)...)
				cost := op.Cost()
				for _, m := range []int{0, 2, 4} {
					if m == 0 {
						p, err := be.Pack(op, kernels.Exact)
						require.NoError(b, err)
						op.Packed = p
					} else {
						op.Packed = be.packWinograd(op, m)
					}
					be.Conv2D(op)
					require.Less(b, relative(floats(op.Y), want), 1e-5)
					b.Run(op.Packed.Method(), func(b *testing.B) {
						measure(b, be, cost, func() { be.Conv2D(op) })
					})
				}
			})
		})
	}
}

// BenchmarkWinogradGradients checks the gradients of convolutions in training against the direct ones, then
// times both. GFLOP/s are those of the direct ones.
func BenchmarkWinogradGradients(b *testing.B) {
	for _, s := range []struct {
		name           string
		b, h, c, oc, d int
	}{
		{"56x56x64 b8", 8, 56, 64, 64, 1},
		{"28x28x128 b8", 8, 28, 128, 128, 1},
		{"14x14x256 b8", 8, 14, 256, 256, 1},
		{"7x7x512 b8", 8, 7, 512, 512, 1},
		{"28x28x256 dilation 2 b4", 4, 28, 256, 256, 2},
		{"28x28x512 dilation 4 b4", 4, 28, 512, 512, 4},
		{"28x28x2048-512 b4", 4, 28, 2048, 512, 1},
	} {
		b.Run(s.name, func(b *testing.B) {
			benchLevels(b, func(b *testing.B, be *Backend) {
				rng := rand.New(rand.NewPCG(1, 1))
				op := convolution3x3(rng, s.b, s.h, s.c, s.oc, s.d)
				n := s.b * s.h * s.h
				op.Y, op.Sums = of(make([]float32, n*s.oc)), kernels.Of(make([]float64, 2*s.oc))
				g := kernels.Conv2DGrad{Conv2D: op, DY: of(randomFloats(rng, n*s.oc))}
				dx, dw := g, g
				dx.DX.Buf, dw.DWeight.Buf = of(make([]float32, n*s.c)), of(make([]float32, s.oc*9*s.c))
				benchGradient(b, be, "dx", dx, floats(dx.DX.Buf))
				benchGradient(b, be, "dw", dw, floats(dw.DWeight.Buf))
			})
		})
	}
}

// benchGradient checks and times one gradient, which is computed into out.
func benchGradient(b *testing.B, be *Backend, name string, op kernels.Conv2DGrad, out []float32) {
	defer func() { be.choices = choices{} }()
	be.choices = words["exact"]
	be.Conv2DBackward(op)
	want := append([]float32(nil), out...)
	for _, way := range []struct{ word, name string }{{"exact", "direct"}, {"", "Winograd"}} {
		be.choices = words[way.word]
		be.Conv2DBackward(op)
		require.Less(b, relative(out, want), 2e-6)
		b.Run(name+" "+way.name, func(b *testing.B) {
			measure(b, be, op.Conv2D.Cost(), func() { be.Conv2DBackward(op) })
		})
	}
}

// convolution3x3 keeps the size of b pictures of h×h pixels, from c channels to oc, at dilation d.
func convolution3x3(rng *rand.Rand, b, h, c, oc, d int) kernels.Conv2D {
	return kernels.Conv2D{Window: kernels.Window{KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: d, PadW: d,
		DilH: d, DilW: d}, B: b, H: h, W: h, C: c, OC: oc, Groups: 1,
		X: of(randomFloats(rng, b*h*h*c)), Weight: of(randomFloats(rng, oc*9*c))}
}
