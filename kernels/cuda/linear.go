//go:build cuda || emu

package cuda

import "truegrain/kernels"

// Linear is y = act(x·weightᵀ + bias + residual).
func (d *Device) Linear(o kernels.Linear) {
	if o.R*o.OD == 0 {
		return
	}
	s := gemmShape{M: int32(o.R), N: int32(o.OD), K: int32(o.D), LDA: int32(o.D), LDB: int32(o.D),
		LDC: int32(o.OD), Chunk: int32(o.D), Act: int32(o.Act), Alpha: 1}
	x, w, free := d.operands("linear", o.X, o.Weight, o.Packed, false)
	defer free()
	d.multiply(matrices{c: o.Y, a: x, b: w, bias: o.Bias, residual: o.Residual}, false, true, 1, s)
}

// LinearBackward is dx = dz·weight, dweight = dzᵀ·x, dbias = Σ dz, dresidual = dz.
func (d *Device) LinearBackward(o kernels.LinearGrad) {
	dz := d.beforeActivation("linear", o.Act, o.Rule, o.DY, o.Y, o.Work)
	d.linearX(o.DX, dz, o.Weight, o.R, o.OD, o.D)
	d.linearWeights(o.DWeight, dz, o.X, o.R, o.OD, o.D)
	d.sum(o.DBias, dz, 1, o.R, o.OD, 1)
	d.scaled(o.DResidual, dz, 1)
}

// linearX is dx (r,d) = dz (r,od)·weight (od,d), if it is wanted.
func (d *Device) linearX(dx kernels.Grad, dz, weight kernels.Buf, r, od, cols int) {
	if !dx.Wanted() || r*cols == 0 {
		return
	}
	s := gemmShape{M: int32(r), N: int32(cols), K: int32(od), LDA: int32(od), LDB: int32(cols),
		LDC: int32(cols), Chunk: int32(od), Acc: int32(index(dx.Acc)), Alpha: 1}
	d.multiply(matrices{c: dx.Buf, a: dz, b: weight}, false, false, 1, s)
}

// linearWeights is dweight (od,d) = dzᵀ·x, its sum over the rows in chunks, if it is wanted.
func (d *Device) linearWeights(dw kernels.Grad, dz, x kernels.Buf, r, od, cols int) {
	if !dw.Wanted() || od*cols == 0 {
		return
	}
	s := gemmShape{M: int32(od), N: int32(cols), K: int32(r), LDA: int32(od), LDB: int32(cols),
		LDC: int32(cols), Chunk: int32(r), Acc: int32(index(dw.Acc)), Alpha: 1}
	m := matrices{c: dw.Buf, a: dz, b: x}
	half := dz.DType() == kernels.BF16
	if half && !mmaFits(m, true, false, s) {
		d.multiply(m, true, false, 1, s) // scalar products in bfloat16 have no partial results
		return
	}
	count, length := d.weightChunks(half, od, cols, r)
	s.Chunk, s.StrideC = int32(length), int64(od*cols)
	d.weightGradient(dw, count, od*cols, func(y kernels.Buf, acc int32) {
		m.c, s.Acc = y, acc
		d.multiply(m, true, false, count, s)
	})
}

// beforeActivation is dy as it is, or through a ReLU into work.
func (d *Device) beforeActivation(op string, a kernels.Activation, rule kernels.ReLURule, dy, y,
	work kernels.Buf) kernels.Buf {
	switch a {
	case kernels.WithReLU:
		dz := work.Slice(0, dy.Len())
		d.through(kernels.Grad{Buf: dz}, dy, y, rule)
		return dz
	case kernels.WithGELU:
		panic(&kernels.ArgError{Op: op, Field: "Act", Reason: "a fused GELU has no backward"})
	}
	return dy
}

// Workspace is one output for dz, where there is an activation.
func (d *Device) Workspace(op any) int {
	work := func(a kernels.Activation, y kernels.Buf) int {
		if a == kernels.NoActivation {
			return 0
		}
		return y.Len()
	}
	switch o := op.(type) {
	case kernels.LinearGrad:
		return work(o.Act, o.Y)
	case kernels.Conv2DGrad:
		return work(o.Act, o.Y)
	case kernels.ConvTranspose2DGrad:
		return work(o.Act, o.Y)
	}
	return 0
}
