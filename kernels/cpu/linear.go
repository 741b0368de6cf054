package cpu

import "truegrain/kernels"

// Linear computes y = act(x·weightᵀ + bias + residual).
func (b *Backend) Linear(op kernels.Linear) {
	b.gemm(gemm{
		m: op.R, n: op.OD, k: op.D, transB: true, alpha: 1, lda: op.D, ldb: op.D, ldc: op.OD, act: op.Act,
		a: floats(op.X), b: floats(op.Weight), c: floats(op.Y),
		bias: floats(op.Bias), res: floats(op.Residual),
	})
}

// LinearBackward computes dx = dz·weight, dweight = dzᵀ·x, dbias = Σ dz and dresidual = dz.
func (b *Backend) LinearBackward(op kernels.LinearGrad) {
	dz := b.activationBackward("linear", op.Act, op.Rule, op.Y, op.DY, op.Work)
	x, w := floats(op.X), floats(op.Weight)
	if op.DX.Wanted() {
		b.gemm(gemm{m: op.R, n: op.D, k: op.OD, alpha: 1, lda: op.OD, ldb: op.D, ldc: op.D,
			a: dz, b: w, c: floats(op.DX.Buf), acc: op.DX.Acc})
	}
	if op.DWeight.Wanted() {
		b.gemm(gemm{m: op.OD, n: op.D, k: op.R, transA: true, alpha: 1, lda: op.OD, ldb: op.D, ldc: op.D,
			a: dz, b: x, c: floats(op.DWeight.Buf), acc: op.DWeight.Acc})
	}
	b.biasBackward(op.DBias, dz, op.R, op.OD)
	b.give(op.DResidual, dz)
}
