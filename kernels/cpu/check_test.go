package cpu

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// TestWrongSizesPanic: assembly must never see a buffer that is too small.
func TestWrongSizesPanic(t *testing.T) {
	b := testBackend(t, generic)
	n := func(n int) kernels.Buf { return kernels.Of(make([]float32, n)) }
	gemm := kernels.Gemm{M: 2, N: 3, K: 4, Batch: 2, LDA: 4, LDB: 3, LDC: 3, StrideA: 8, StrideC: 6,
		A: n(16), B: n(12), C: n(12)}
	linear := kernels.Linear{R: 2, D: 3, OD: 4, X: n(6), Weight: n(12), Y: n(8)}
	back := kernels.LinearGrad{Linear: linear, DY: n(8)}
	conv := kernels.Conv2D{Window: kernels.Window{KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1},
		B: 1, H: 2, W: 2, C: 1, OC: 1, Groups: 1, X: n(4), Weight: n(1), Y: n(4)}
	b.Gemm(gemm)
	b.Linear(linear)
	b.LinearBackward(back)
	b.Conv2D(conv)
	for name, f := range map[string]func(){
		"gemm A":         func() { g := gemm; g.A = n(15); b.Gemm(g) },
		"gemm B":         func() { g := gemm; g.B = n(11); b.Gemm(g) },
		"gemm C":         func() { g := gemm; g.C = n(11); b.Gemm(g) },
		"gemm LDA":       func() { g := gemm; g.LDA = 3; b.Gemm(g) },
		"gemm transA":    func() { g := gemm; g.TransA = true; g.LDA = 1; b.Gemm(g) },
		"linear X":       func() { l := linear; l.X = n(5); b.Linear(l) },
		"linear bias":    func() { l := linear; l.Bias = n(3); b.Linear(l) },
		"linear DX":      func() { g := back; g.DX = kernels.Grad{Buf: n(5)}; b.LinearBackward(g) },
		"linear DWeight": func() { g := back; g.DWeight = kernels.Grad{Buf: n(5)}; b.LinearBackward(g) },
		"linear DBias":   func() { g := back; g.DBias = kernels.Grad{Buf: n(5)}; b.LinearBackward(g) },
		"conv2d weight":  func() { c := conv; c.Weight = n(2); b.Conv2D(c) },
		"conv2d DX": func() {
			b.Conv2DBackward(kernels.Conv2DGrad{Conv2D: conv, DY: n(4), DX: kernels.Grad{Buf: n(3)}})
		},
		"conv2d DY": func() { b.Conv2DBackward(kernels.Conv2DGrad{Conv2D: conv, DY: n(3)}) },
	} {
		var arg *kernels.ArgError
		require.ErrorAs(t, caught(f), &arg, name)
	}
}
