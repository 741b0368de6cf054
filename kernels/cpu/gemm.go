package cpu

import "truegrain/kernels"

// Gemm computes C = α·op(A)·op(B) (+ C). B is packed, times α; A is read in place, unless it is transposed
// and large.
func (b *Backend) Gemm(op kernels.Gemm) {
	batch := max(1, op.Batch)
	g := gemm{
		m: op.M, n: op.N, k: op.K, transA: op.TransA, transB: op.TransB, acc: op.Acc, alpha: 1,
		lda: op.LDA, ldb: op.LDB, ldc: op.LDC,
	}
	if op.Alpha != 0 {
		g.alpha = float32(op.Alpha)
	}
	checkGemmArgs(op, batch)
	x, y, z := floats(op.A), floats(op.B), floats(op.C)
	b.parallel(batch, 1, func(i, _ int) {
		one := g
		one.a, one.b, one.c = x[i*op.StrideA:], y[i*op.StrideB:], z[i*op.StrideC:]
		b.gemm(one)
	})
}

func checkGemmArgs(op kernels.Gemm, batch int) {
	rowsA, colsA, rowsB, colsB := op.M, op.K, op.K, op.N
	if op.TransA {
		rowsA, colsA = colsA, rowsA
	}
	if op.TransB {
		rowsB, colsB = colsB, rowsB
	}
	holds("gemm", "A", op.A, batch, rowsA, colsA, op.LDA, op.StrideA)
	holds("gemm", "B", op.B, batch, rowsB, colsB, op.LDB, op.StrideB)
	holds("gemm", "C", op.C, batch, op.M, op.N, op.LDC, op.StrideC)
}

// gemm is one product of matrices with an epilogue: c = act(α·op(a)·op(b) + bias + res).
type gemm struct {
	m, n, k             int
	transA, transB, acc bool
	alpha               float32
	lda, ldb, ldc       int
	a, b, c, res, bias  []float32
	act                 kernels.Activation
	packed              []float32 // op(b) in panels, α applied, if that is done already
	pairs               bool      // a, not transposed, and packed are of bfloat16 in pairs, as k and lda count
}

// transposedPass is the k of a pass over a transposed A that is copied; rows of B in place serve fewRowsA at
// most, which are not worth packing it.
const (
	transposedPass = 384
	fewRowsA       = 2 * tileRows
)

func (b *Backend) gemm(g gemm) {
	if g.m == 0 || g.n == 0 {
		return
	}
	var lent []float32
	p := b.plan()
	x := product{n: g.n, k: g.k, a: g.a, aStep: 1, b: g.packed, c: g.c, res: g.res, bias: g.bias, act: g.act,
		pairs: g.pairs}
	if g.acc {
		x.res = g.c
	}
	rows := line(g.m, g.lda, g.ldc)
	if g.transA {
		x.aStep, rows.a[2] = g.lda, 1
		if x.copyA = b.choices.copied.or(g.lda >= farApart); x.copyA {
			x.pass = transposedPass
		}
	}
	switch {
	case x.b != nil:
	case !g.transB && g.alpha == 1 && g.n%wholeColumns == 0 && b.choices.inPlace.or(g.m <= fewRowsA):
		x.b, x.bStep = g.b, g.ldb
	case b.fresh(g.m, g.n):
		p.packer = b.packer()
		p.packer.gemm(g, nil)
		x.fresh, x.pass = true, freshPass
	default:
		lent = b.scratch.get(b.packedLen(g.k, g.n))
		x.b = lent
		pack := b.packer()
		pack.gemm(g, lent)
		pack.execute()
	}
	p.product(x)
	p.band(rows)
	p.add(0, 0, 0, g.k)
	p.execute(nil)
	b.scratch.put(lent)
}

// gemm adds α·op(b).
func (p *packer) gemm(g gemm, to []float32) {
	if g.transB {
		p.columns(to, g.b, g.ldb, g.k, g.n)
	} else {
		p.rows(to, g.k, 0, g.b, g.ldb, g.k, g.n)
	}
	p.parts[0].alpha = g.alpha
}
