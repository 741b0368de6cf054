package cpu

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// benchConv is a 3x3 or other square convolution with its operands.
func benchConv(b, h, c, oc, k, s int) (kernels.Conv2D, kernels.Conv2DGrad) {
	rng := rand.New(rand.NewPCG(1, 1))
	op := kernels.Conv2D{Window: kernels.Window{KH: k, KW: k, StrideH: s, StrideW: s,
		PadH: k / 2, PadW: k / 2, DilH: 1, DilW: 1},
		B: b, H: h, W: h, C: c, OC: oc, Groups: 1}
	g := conv2DGeometry(op)
	random := func(n int) kernels.Buf { return kernels.Of(randomFloats(rng, n)) }
	op.X, op.Weight, op.Bias, op.Y = random(g.pixels()*c), random(oc*g.window()), random(oc),
		random(g.positions()*oc)
	return op, kernels.Conv2DGrad{Conv2D: op, DY: random(op.Y.Len())}
}

// checkConv compares some outputs with float64, and the gradients by what makes them adjoint: <y,dy> = <x,dx>
// = <w,dw>.
func checkConv(t testing.TB, be *Backend, op kernels.Conv2D, grad kernels.Conv2DGrad) {
	op.Bias = kernels.Buf{}
	be.Conv2D(op)
	x, w, y := floats(op.X), floats(op.Weight), floats(op.Y)
	g := conv2DGeometry(op)
	rng := rand.New(rand.NewPCG(2, 2))
	for range 20 {
		at := rng.IntN(len(y))
		s := oneOutput(g, x, w, at/g.oc, at%g.oc)
		require.InDelta(t, s.value, y[at], 1e-5*s.size)
	}
	dx, dw := make([]float32, len(x)), make([]float32, len(w))
	grad.DX.Buf, grad.DWeight.Buf = of(dx), of(dw)
	be.Conv2DBackward(grad)
	yy, xx, ww := dot(y, floats(grad.DY)), dot(x, dx), dot(w, dw)
	require.InDelta(t, yy.value, xx.value, 1e-6*yy.size)
	require.InDelta(t, yy.value, ww.value, 1e-6*yy.size)
}

// oneOutput is channel o of y at a position, by the definition, without groups.
func oneOutput(g geometry, x, w []float32, position, o int) (s sum) {
	b, i, j := position/(g.oh*g.ow), position/g.ow%g.oh, position%g.ow
	for e := range g.KH * g.KW {
		at := [2]int{i*g.StrideH - g.PadH + e/g.KW*g.DilH, j*g.StrideW - g.PadW + e%g.KW*g.DilW}
		if at[0] < 0 || at[0] >= g.h || at[1] < 0 || at[1] >= g.w {
			continue
		}
		for c := range g.c {
			s.add(float64(x[((b*g.h+at[0])*g.w+at[1])*g.c+c]) * float64(w[(o*g.KH*g.KW+e)*g.c+c]))
		}
	}
	return s
}

// dot is the scalar product in float64.
func dot(a, b []float32) (s sum) {
	for i := range a {
		s.add(float64(a[i]) * float64(b[i]))
	}
	return s
}

func BenchmarkConv2D(b *testing.B) {
	for _, s := range []struct {
		name              string
		b, h, c, oc, k, s int
	}{
		{"stem", 1, 224, 3, 64, 7, 2},
		{"3x3x64", 1, 56, 64, 64, 3, 1},
		{"3x3x128", 1, 28, 128, 128, 3, 1},
		{"3x3x256", 1, 14, 256, 256, 3, 1},
		{"3x3x512", 1, 7, 512, 512, 3, 1},
		{"3x3x128 stride 2", 1, 56, 128, 128, 3, 2},
		{"1x1 64-256", 1, 56, 64, 256, 1, 1},
		{"1x1 1024-256", 1, 14, 1024, 256, 1, 1},
		{"3x3x128 batch 8", 8, 28, 128, 128, 3, 1},
		{"3x3x16 batch 16", 16, 32, 16, 16, 3, 1},
	} {
		b.Run(s.name, func(b *testing.B) {
			benchLevels(b, func(b *testing.B, be *Backend) {
				op, grad := benchConv(s.b, s.h, s.c, s.oc, s.k, s.s)
				checkConv(b, be, op, grad)
				b.Run("y", func(b *testing.B) { measure(b, be, op.Cost(), func() { be.Conv2D(op) }) })
				dx, dw := grad, grad
				dx.DX.Buf = of(make([]float32, op.X.Len()))
				dw.DWeight.Buf = of(make([]float32, op.Weight.Len()))
				b.Run("dx", func(b *testing.B) {
					measure(b, be, op.Cost(),
						func() { be.Conv2DBackward(dx) })
				})
				b.Run("dw", func(b *testing.B) {
					measure(b, be, op.Cost(),
						func() { be.Conv2DBackward(dw) })
				})
			})
		})
	}
}

func BenchmarkConvTranspose2D(b *testing.B) {
	for _, s := range []struct {
		name              string
		h, c, oc, k, s, p int
	}{{"2x up 256-128", 28, 256, 128, 4, 2, 1}, {"8x up of scores", 28, 2, 2, 16, 8, 4}} {
		b.Run(s.name, func(b *testing.B) {
			benchLevels(b, func(b *testing.B, be *Backend) {
				rng := rand.New(rand.NewPCG(1, 1))
				op := kernels.ConvTranspose2D{B: 1, H: s.h, W: s.h, C: s.c, OC: s.oc, Groups: 1,
					Window: kernels.Window{KH: s.k, KW: s.k, StrideH: s.s, StrideW: s.s, PadH: s.p, PadW: s.p,
						DilH: 1, DilW: 1}}
				oh, ow := op.OutSize()
				x, w := randomFloats(rng, s.h*s.h*s.c), randomFloats(rng, s.c*s.k*s.k*s.oc)
				y, dx := make([]float32, oh*ow*s.oc), make([]float32, len(x))
				dy := randomFloats(rng, len(y))
				op.X, op.Weight, op.Y = of(x), of(w), of(y)
				be.ConvTranspose2D(op)
				be.ConvTranspose2DBackward(kernels.ConvTranspose2DGrad{ConvTranspose2D: op, DY: of(dy),
					DX: written(dx)})
				yy, xx := dot(y, dy), dot(x, dx)
				require.InDelta(b, yy.value, xx.value, 1e-6*yy.size)
				measure(b, be, op.Cost(), func() { be.ConvTranspose2D(op) })
			})
		})
	}
}
