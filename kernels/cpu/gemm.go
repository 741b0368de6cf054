package cpu

import "truegrain/kernels"

// Gemm computes C = α·op(A)·op(B) (+ C). B is packed, times α; A is read in place, or copied by blocks if it is
// transposed and its rows lie far apart.
func (b *Backend) Gemm(op kernels.Gemm) {
	batch := max(1, op.Batch)
	g := gemm{
		m: op.M, n: op.N, k: op.K, transA: op.TransA, transB: op.TransB, acc: op.Acc, alpha: 1,
		lda: op.LDA, ldb: op.LDB, ldc: op.LDC,
	}
	if op.Alpha != 0 {
		g.alpha = float32(op.Alpha)
	}
	x, y, z := kernels.Floats[float32](op.A), kernels.Floats[float32](op.B), kernels.Floats[float32](op.C)
	b.parallel(batch, 1, func(i, _ int) {
		one := g
		one.a, one.b, one.c = x[i*op.StrideA:], y[i*op.StrideB:], z[i*op.StrideC:]
		b.gemm(one)
	})
}

// gemm is one product of matrices with an epilogue: c = act(α·op(a)·op(b) + bias + res).
type gemm struct {
	m, n, k             int
	transA, transB, acc bool
	alpha               float32
	lda, ldb, ldc       int
	a, b, c, res, bias  []float32
	act                 kernels.Activation
}

func (b *Backend) gemm(g gemm) {
	if g.m == 0 || g.n == 0 {
		return
	}
	packed := b.scratch.get(b.packedLen(g.k, g.n))
	defer b.scratch.put(packed)
	if g.transB {
		b.packColumns(packed, g.b, g.ldb, g.k, g.n)
	} else {
		b.packRows(packed, g.k, 0, g.b, g.ldb, g.k, g.n)
	}
	if g.alpha != 1 {
		b.scale(packed, g.alpha)
	}
	p := product{m: g.m, n: g.n, taps: 1, depth: g.k, a: g.a, aStep: 1, b: packed, c: g.c, res: g.res, bias: g.bias, act: g.act}
	rowA := 4 * g.lda
	if g.transA {
		p.aStep, rowA = g.lda, 4
	}
	if g.acc {
		p.res = g.c
	}
	rowC := 4 * g.ldc
	p.place = func(lo, hi int, aOff, cOff []int64) {
		for r := lo; r < hi; r++ {
			aOff[r-lo], cOff[r-lo] = int64(r*rowA), int64(r*rowC)
		}
	}
	b.run(&p)
}
