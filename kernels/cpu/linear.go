package cpu

import "truegrain/kernels"

// Linear computes y = act(x·weightᵀ + bias + residual).
func (b *Backend) Linear(op kernels.Linear) {
	exactly("linear", "X", op.X, op.R*op.D)
	if op.Packed == nil {
		exactly("linear", "Weight", op.Weight, op.OD*op.D)
	}
	exactly("linear", "Y", op.Y, op.R*op.OD)
	optionally("linear", "Bias", op.Bias, op.OD)
	optionally("linear", "Residual", op.Residual, op.R*op.OD)
	g := gemm{
		m: op.R, n: op.OD, k: op.D, transB: true, alpha: 1, lda: op.D, ldb: op.D, ldc: op.OD, act: op.Act,
		a: floats(op.X), b: floats(op.Weight), c: floats(op.Y),
		bias: floats(op.Bias), res: floats(op.Residual),
	}
	if op.Packed != nil {
		w := op.Packed.(*packed)
		g.packed, g.pairs = w.panels, w.pairs
	}
	if g.pairs {
		g.a = b.toPairs(g.a)
		g.k, g.lda = g.k/2, g.lda/2
		defer b.scratch.put(g.a)
	}
	b.gemm(g)
}

// linearGeometry is that of a convolution over a column of pixels.
func linearGeometry(op kernels.Linear) geometry {
	one := kernels.Window{KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1}
	return geometry{one, 1, op.R, 1, op.D, op.R, 1, op.OD, 1}
}

// LinearBackward computes dx = dz·weight, dweight = dzᵀ·x, dbias = Σ dz and dresidual = dz.
func (b *Backend) LinearBackward(op kernels.LinearGrad) {
	exactly("linear", "DY", op.DY, op.R*op.OD)
	dz := b.activationBackward("linear", op.Act, op.Rule, op.Y, op.DY, op.Work)
	if op.DX.Wanted() {
		exactly("linear", "DX", op.DX.Buf, op.R*op.D)
		exactly("linear", "Weight", op.Weight, op.OD*op.D)
		b.gemm(gemm{m: op.R, n: op.D, k: op.OD, alpha: 1, lda: op.OD, ldb: op.D, ldc: op.D,
			a: dz, b: floats(op.Weight), c: floats(op.DX.Buf), acc: op.DX.Acc})
	}
	if op.DWeight.Wanted() {
		exactly("linear", "DWeight", op.DWeight.Buf, op.OD*op.D)
		exactly("linear", "X", op.X, op.R*op.D)
		b.weights(linearGeometry(op.Linear), floats(op.X), dz, floats(op.DWeight.Buf), op.DWeight.Acc)
	}
	b.biasBackward("linear", op.DBias, dz, op.R, op.OD)
	b.give("linear", op.DResidual, dz)
}
