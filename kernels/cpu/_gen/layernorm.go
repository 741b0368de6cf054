package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// layerNorm writes layer norm, its gradient, and the sums for the gradients of its parameters.
func layerNorm(w *writer, v *vector) {
	w.layerNormRows(v)
	w.layerNormGrad(v)
	w.layerNormSums(v)
}

// layerNormRows is in float64 up to the result, which is rounded once. Sums are of what is left of x less the
// first x of the row, so that Σ(x−x₀)² − (Σ(x−x₀))²/d loses no more than the logarithm of d of its bits. All
// rows have the same γ and β, which are made float64 once: conversions are what a vector waits for.
func (w *writer) layerNormRows(v *vector) {
	f := w.rowKernel(v, "layerNorm",
		"func(y, x, gamma, beta, mean, rstd *float32, room *float64, d, rows int, eps float64, flags int)",
		"writes rows of γ·(x − mean)·rstd + β; room has layerNormRoom(d) elements; see layerNormGo.",
		"There is a row, and it has elements.")
	f.variants(ofResult, func() {
		y, x, d, n := f.param("y"), f.param("x"), f.param("d"), f.GP64()
		means, rstds, share := f.param("mean"), f.param("rstd"), f.float(d)
		gamma, beta := f.wideParameters(d, n)
		nextAll, nextScale := f.reg(), f.reg()
		statistics := func(x, y GPVirtual) {
			f.MOVQ(d, n)
			mean, rstd := f.statistics(x, n, share, y)
			f.putScalar(mean, means, nextAll)
			f.putScalar(rstd, rstds, nextScale)
		}
		if f.wide() {
			statistics(x, y)
		}
		f.overRows([]GPVirtual{y, x}, d, func(next []GPVirtual, left GPVirtual) {
			all, scale, ahead := f.reg(), f.reg(), f.GP64()
			f.LEAQ(Mem{Base: next[1], Index: d, Scale: 4}, ahead)
			if !f.wide() { // there are not the registers for two rows
				statistics(x, y)
			}
			f.VMOVAPS(nextAll, all)
			f.VMOVAPS(nextScale, scale)
			if f.wide() { // divisions and root take time
				f.unlessLast(left, func() { statistics(next[1], next[0]) })
			}
			f.MOVQ(d, n)
			f.each(n, 2, func(l []lane) {
				for _, l := range l {
					f.prefetchFar(ahead, l)
					f.putHalves(f.normalisedWide(x, gamma, beta, l, all, scale), y, l)
				}
			})
		})
	})
}

// normalisedWide is γ·(x − mean)·rstd + β for lanes of a row, in float64.
func (f *flow) normalisedWide(x, gamma, beta GPVirtual, l lane, mean, rstd VecVirtual) []VecVirtual {
	h, g := f.fetchHalves(x, l, nil), f.regs(2)
	f.steps(2,
		func(i int) { f.VSUBPD(mean, h[i], h[i]) },
		func(i int) { f.VMULPD(rstd, h[i], h[i]) },
		func(i int) { f.VMOVUPD(f.addressWide(gamma, l, i), g[i]) },
		func(i int) { f.VFMADD213PD(f.addressWide(beta, l, i), g[i], h[i]) })
	return h
}

// wideParameters is where γ and β are in float64, which it puts into room. It changes n.
func (f *flow) wideParameters(d, n GPVirtual) (gamma, beta GPVirtual) {
	gamma, beta = f.param("room"), f.GP64()
	f.MOVQ(d, n)
	f.widen(f.param("gamma"), gamma, n)
	f.LEAQ(Mem{Base: d, Disp: f.lanes - 1}, beta)
	f.ANDQ(I8(int8(-f.lanes)), beta)
	f.LEAQ(Mem{Base: gamma, Index: beta, Scale: 8}, beta)
	f.MOVQ(d, n)
	f.widen(f.param("beta"), beta, n)
	return gamma, beta
}

// float is an integer as a float64.
func (f *flow) float(n GPVirtual) Register {
	x := f.XMM()
	f.VXORPS(x, x, x)
	f.VCVTSI2SDQ(n, x, x)
	return x
}

// statistics is the mean and 1/√(var + eps) of a row of n elements, share in float64; to is where results
// will be stored. It changes n.
func (f *flow) statistics(x, n GPVirtual, share Register, to GPVirtual) (mean, rstd Register) {
	first := f.splat(Mem{Base: x})
	shift := f.reg()
	f.VCVTPS2PD(f.half(first), shift)
	sum, squares := f.zeros(4), f.zeros(4)
	f.each(n, 2, func(l []lane) {
		for k, l := range l {
			f.prefetchStore(to, l)
			h := f.fetchHalves(x, l, first)
			s, q := sum[2*k:], squares[2*k:]
			f.steps(2,
				func(i int) { f.VSUBPD(shift, h[i], h[i]) },
				func(i int) { f.VADDPD(h[i], s[i], s[i]) },
				func(i int) { f.VFMADD231PD(h[i], h[i], q[i]) })
		}
	})
	for _, a := range [][]VecVirtual{sum, squares} {
		f.VADDPD(a[2], a[0], a[0])
		f.VADDPD(a[3], a[1], a[1])
	}
	s, q := f.foldWide(sum[:2]), f.foldWide(squares[:2])
	mean, rstd = f.XMM(), f.XMM()
	f.VDIVSD(share, s, mean)
	f.VFNMADD231SD(mean, s, q)
	f.VXORPS(rstd, rstd, rstd)
	f.VMAXSD(q, rstd, q)
	f.VDIVSD(share, q, q)
	f.VADDSD(f.argument("eps"), q, q)
	f.VSQRTSD(q, q, q)
	f.VMOVSS(f.copies(1), rstd)
	f.VCVTSS2SD(rstd, rstd, rstd)
	f.VDIVSD(q, rstd, rstd)
	f.VADDSD(shift.AsX(), mean, mean)
	return mean, rstd
}

// half is the lower half of a register.
func (f *flow) half(r VecVirtual) Register {
	if f.wide() {
		return r.AsY()
	}
	return r.AsX()
}

// putScalar stores a float64, rounded, and advances the pointer; and it puts x in all lanes of a register.
func (f *flow) putScalar(x Register, p GPVirtual, all VecVirtual) {
	f.VBROADCASTSD(x, all)
	t := f.XMM()
	f.VCVTSD2SS(x, x, t)
	f.VMOVSS(t, Mem{Base: p})
	f.ADDQ(I8(4), p)
}

// normalised is x̂ = (x − mean)·rstd for lanes of a row.
func (f *flow) normalised(x GPVirtual, l []lane, mean, rstd VecVirtual) []VecVirtual {
	h := f.fetchAll(x, l)
	f.steps(len(l),
		func(i int) { f.VSUBPS(mean, h[i], h[i]) },
		func(i int) { f.VMULPS(rstd, h[i], h[i]) })
	return h
}

// layerNormGrad writes the gradient of the rows: a pass for Σ γ·dy and Σ γ·dy·x̂, and one for the gradient.
func (w *writer) layerNormGrad(v *vector) {
	f := w.rowKernel(v, "layerNormGrad", "func(dx, dy, x, gamma, mean, rstd *float32, d, rows, flags int)",
		"writes rows of dx = rstd·(γ·dy − mean of γ·dy − x̂·mean of γ·dy·x̂); see layerNormGradGo.",
		"There is a row, and it has elements.")
	f.variants(ofGradient, func() {
		dx, dy, x, gamma := f.param("dx"), f.param("dy"), f.param("x"), f.param("gamma")
		means, rstds, d, n := f.param("mean"), f.param("rstd"), f.param("d"), f.GP64()
		length := f.float(d)
		f.overRows([]GPVirtual{dx, dy, x}, d, func(next []GPVirtual, _ GPVirtual) {
			mean, rstd := f.splat(Mem{Base: means}), f.splat(Mem{Base: rstds})
			f.ADDQ(I8(4), means)
			f.ADDQ(I8(4), rstds)
			sum, dot := f.zeros(2), f.zeros(2)
			f.MOVQ(d, n)
			f.each(n, f.many(), func(l []lane) {
				g, h := f.fetchAll(dy, l), f.normalised(x, l, mean, rstd)
				f.steps(len(l),
					func(i int) { f.prefetchStore(dx, l[i]) },
					func(i int) { f.VMULPS(f.operand(gamma, l[i]), g[i], g[i]) })
				f.VMULPS(g[0], h[0], h[0])
				for i := 1; i < len(l); i++ {
					f.VFMADD213PS(h[i-1], g[i], h[i])
				}
				f.addWide(h[len(l)-1], dot)
				f.addWide(f.together(g), sum)
			})
			a, s := f.share(sum, length), f.share(dot, length)
			f.MOVQ(d, n)
			f.each(n, f.many(), func(l []lane) {
				g, h := f.fetchAll(dy, l), f.normalised(x, l, mean, rstd)
				f.steps(len(l),
					func(i int) { f.prefetch(next[1], l[i]) },
					func(i int) { f.prefetch(next[2], l[i]) },
					func(i int) { f.VFMSUB132PS(f.operand(gamma, l[i]), a, g[i]) },
					func(i int) { f.VFNMADD231PS(s, h[i], g[i]) },
					func(i int) { f.give(g[i], rstd, dx, l[i]) })
			})
		})
	})
}

// share is a sum over a row divided by its length, in all lanes of float32.
func (f *flow) share(sum []VecVirtual, length Register) VecVirtual {
	s := f.foldWide(sum)
	f.VDIVSD(length, s, s)
	f.VCVTSD2SS(s, s, s)
	return f.splat(s)
}

// layerNormSums goes down a few columns of all rows, adding in float32, and adds the result to sums in
// float64.
func (w *writer) layerNormSums(v *vector) {
	f := w.rowKernel(v, "layerNormSums", "func(sum, dot *float64, dy, x, mean, rstd *float32, d, rows int)",
		"adds dy and dy·x̂ over a few rows to sum and dot; see layerNormSumsGo. There is a row.")
	sum, dot, d := f.param("sum"), f.param("dot"), f.param("d")
	stride, n := f.GP64(), f.GP64()
	f.MOVQ(d, n)
	f.MOVQ(d, stride)
	f.SHLQ(U8(2), stride)
	f.each(n, f.many(), func(l []lane) {
		dy, x, means, rstds, rows := f.param("dy"), f.param("x"), f.param("mean"), f.param("rstd"),
			f.param("rows")
		s, q := f.zeros(len(l)), f.zeros(len(l))
		row := f.label("row")
		f.Label(row)
		h := f.normalised(x, l, f.splat(Mem{Base: means}), f.splat(Mem{Base: rstds}))
		for i, l := range l {
			g := f.fetch(dy, l)
			f.VADDPS(g, s[i], s[i])
			f.VFMADD231PS(g, h[i], q[i])
		}
		f.ADDQ(stride, dy)
		f.ADDQ(stride, x)
		f.ADDQ(I8(4), means)
		f.ADDQ(I8(4), rstds)
		f.DECQ(rows)
		f.JNZ(LabelRef(row))
		for i, l := range l {
			f.addTo(s[i], sum, l)
			f.addTo(q[i], dot, l)
		}
	})
	f.end()
}

// addTo adds float32 to elements of an array of float64.
func (f *flow) addTo(r VecVirtual, base GPVirtual, l lane) {
	m := Mem{Base: base, Index: l.at, Scale: 8, Disp: 8 * f.lanes * l.k}
	h := f.halves(r)
	if l.mask == nil {
		for i := range h {
			f.VADDPD(m.Offset(4*f.lanes*i), h[i], h[i])
			f.VMOVUPD(h[i], m.Offset(4*f.lanes*i))
		}
		return
	}
	for i, mask := range f.halfMasks(l.mask) {
		part, old := m.Offset(4*f.lanes*i), f.reg()
		if f.wide() {
			f.VMOVUPD_Z(part, mask, old)
			f.VADDPD(old, h[i], h[i])
			f.VMOVUPD(h[i], mask, part)
			continue
		}
		f.VMASKMOVPD(part, mask, old)
		f.VADDPD(old, h[i], h[i])
		f.VMASKMOVPD(h[i], mask, part)
	}
}

// halfMasks is a mask of float32 as two of float64.
func (f *flow) halfMasks(mask Register) []Register {
	if f.wide() {
		high := f.K()
		f.KSHIFTRW(U8(8), mask, high)
		return []Register{mask, high}
	}
	low, high, t := f.reg(), f.reg(), f.XMM()
	f.VPMOVSXDQ(mask.(VecVirtual).AsX(), low)
	f.VEXTRACTF128(U8(1), mask, t)
	f.VPMOVSXDQ(t, high)
	return []Register{low, high}
}
