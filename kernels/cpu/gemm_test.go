package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"truegrain/kernels"
)

// randomGemm is a case with padded rows, guard values between the rows of C.
func randomGemm(rng *rand.Rand, m, n, k, batch int, transA, transB, acc bool) kernels.Gemm {
	op := kernels.Gemm{M: m, N: n, K: k, Batch: batch, TransA: transA, TransB: transB, Acc: acc,
		Alpha: 0.5, LDA: k + 3, LDB: n + 1, LDC: n + 2}
	rowsA, rowsB := m, k
	if transA {
		op.LDA, rowsA = m+3, k
	}
	if transB {
		op.LDB, rowsB = k+1, n
	}
	op.StrideA, op.StrideB, op.StrideC = rowsA*op.LDA+1, rowsB*op.LDB, m*op.LDC+2
	op.A = kernels.Of(randomFloats(rng, batch*op.StrideA))
	op.B = kernels.Of(randomFloats(rng, batch*op.StrideB))
	op.C = kernels.Of(randomFloats(rng, batch*op.StrideC))
	return op
}

// check compares C with gonum's product in float64. Each element may differ by (4√(k+2)+4)·2⁻²⁴·Σ|terms|:
// rounding errors are nearly independent, so their sum grows with the root of their number (Higham & Mary
// 2019).
func checkGemm(t testing.TB, op kernels.Gemm, before []float32) {
	t.Helper()
	a, b, c := floats(op.A), floats(op.B), floats(op.C)
	tol := (4*math.Sqrt(float64(op.K+2)) + 4) * 0x1p-24
	for i := range max(1, op.Batch) {
		x := matrix(a[i*op.StrideA:], op.M, op.K, op.LDA, op.TransA)
		y := matrix(b[i*op.StrideB:], op.K, op.N, op.LDB, op.TransB)
		var want, size mat.Dense
		want.Mul(x, y)
		abs := func(_, _ int, v float64) float64 { return math.Abs(v) }
		x.Apply(abs, x)
		y.Apply(abs, y)
		size.Mul(x, y)
		for r := range op.M {
			for j := range op.LDC {
				at := i*op.StrideC + r*op.LDC + j
				if j >= op.N {
					require.Equal(t, before[at], c[at], "between the rows of C")
					continue
				}
				w, s := op.Alpha*want.At(r, j), op.Alpha*size.At(r, j)
				if op.Acc {
					w, s = w+float64(before[at]), s+math.Abs(float64(before[at]))
				}
				if math.Abs(w-float64(c[at])) > tol*s {
					require.InDelta(t, w, c[at], tol*s, "batch %d row %d column %d", i, r, j)
				}
			}
		}
	}
}

func matrix(x []float32, rows, cols, ld int, trans bool) *mat.Dense {
	d := mat.NewDense(rows, cols, nil)
	for i := range rows {
		for j := range cols {
			if trans {
				d.Set(i, j, float64(x[j*ld+i]))
			} else {
				d.Set(i, j, float64(x[i*ld+j]))
			}
		}
	}
	return d
}

func TestGemm(t *testing.T) {
	sizes := []struct{ m, n, k, batch int }{
		{1, 1, 1, 1}, {2, 3, 5, 1}, {6, 64, 4, 1}, {7, 65, 17, 2}, {13, 16, 31, 3}, {97, 130, 67, 1},
		{200, 5, 9, 1}, {5, 300, 40, 2}, {11, 20, 1700, 1}, {530, 70, 3, 1}, {300, 10, 450, 1},
	}
	forLevels(t, func(t *testing.T, l *level) {
		b := testBackend(t, l)
		forChoices(b, gemmChoices, func(forced string) {
			for _, s := range sizes {
				for flags := range 8 {
					transA, transB, acc := flags&1 != 0, flags&2 != 0, flags&4 != 0
					t.Run(fmt.Sprintf("%dx%dx%d batch %d %v %v %v%s", s.m, s.n, s.k, s.batch, transA, transB,
						acc, forced), func(t *testing.T) {
						rng := rand.New(rand.NewPCG(uint64(flags), 7))
						op := randomGemm(rng, s.m, s.n, s.k, s.batch, transA, transB, acc)
						before := append([]float32(nil), floats(op.C)...)
						b.Gemm(op)
						checkGemm(t, op, before)
					})
				}
			}
		})
	})
}

func TestGemmOfNothing(t *testing.T) {
	forLevels(t, func(t *testing.T, l *level) {
		b := testBackend(t, l)
		c := []float32{1, 2}
		b.Gemm(kernels.Gemm{M: 1, N: 2, K: 0, LDA: 1, LDB: 2, LDC: 2, Acc: true,
			A: kernels.Of([]float32{}), B: kernels.Of([]float32{}), C: of(c)})
		require.Equal(t, []float32{1, 2}, c)
		b.Gemm(kernels.Gemm{M: 1, N: 2, K: 0, LDA: 1, LDB: 2, LDC: 2,
			A: kernels.Of([]float32{}), B: kernels.Of([]float32{}), C: of(c)})
		require.Equal(t, []float32{0, 0}, c)
		b.Gemm(kernels.Gemm{M: 0, N: 2, K: 3, LDA: 3, LDB: 2, LDC: 2,
			A: kernels.Of([]float32{}), B: kernels.Of(make([]float32, 6)), C: kernels.Of([]float32{})})
	})
}
