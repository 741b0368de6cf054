package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Sums in float64, and what else takes float64.

// zeros is n registers of zeros.
func (f *flow) zeros(n int) []VecVirtual {
	r := f.regs(n)
	for _, r := range r {
		f.VXORPS(r, r, r)
	}
	return r
}

// together is the sum of registers of float32, in the first of them, pairs of pairs.
func (f *flow) together(r []VecVirtual) VecVirtual {
	for n := len(r) / 2; n > 0; n /= 2 {
		f.steps(n, func(i int) { f.VADDPS(r[i+n], r[i], r[i]) })
	}
	return r[0]
}

// addWide adds x to two sums in float64, its halves each to its own.
func (f *flow) addWide(x VecVirtual, acc []VecVirtual) {
	for i, half := range f.halves(x) {
		f.VADDPD(half, acc[i], acc[i])
	}
}

// halves is x in float64.
func (f *flow) halves(x VecVirtual) []VecVirtual {
	h := f.regs(2)
	if f.wide() {
		t := f.YMM()
		f.VEXTRACTF64X4(U8(1), x, t)
		f.VCVTPS2PD(t, h[1])
		f.VCVTPS2PD(x.AsY(), h[0])
		return h
	}
	t := f.XMM()
	f.VEXTRACTF128(U8(1), x, t)
	f.VCVTPS2PD(t, h[1])
	f.VCVTPS2PD(x.AsX(), h[0])
	return h
}

// fetchHalves is the elements at l in float64; where there is none, outside, unless that is nil.
func (f *flow) fetchHalves(base Register, l lane, outside VecVirtual) []VecVirtual {
	if l.mask != nil {
		r := f.fetch(base, l)
		if outside != nil {
			f.outsideIs(r, l, outside)
		}
		return f.halves(r)
	}
	h := f.regs(2)
	m := f.address(base, l)
	f.VCVTPS2PD(m, h[0])
	f.VCVTPS2PD(m.Offset(2*f.lanes), h[1])
	return h
}

// widen stores n elements as float64, whole registers of them. It changes n.
func (f *flow) widen(x, to, n GPVirtual) {
	f.each(n, 1, func(l []lane) {
		for i, h := range f.fetchHalves(x, l[0], nil) {
			f.VMOVUPD(h, f.addressWide(to, l[0], i))
		}
	})
}

// addressWide is where the i-th half of the elements of an array of float64 lies.
func (f *flow) addressWide(base Register, l lane, i int) Mem {
	return Mem{Base: base, Index: l.at, Scale: 8, Disp: f.lanes * (8*l.k + 4*i)}
}

// putHalves stores float64, rounded.
func (f *flow) putHalves(h []VecVirtual, base Register, l lane) {
	var low, high Register
	if f.wide() {
		low, high = f.YMM(), f.YMM()
		f.VCVTPD2PS(h[0], low)
		f.VCVTPD2PS(h[1], high)
	} else {
		low, high = f.XMM(), f.XMM()
		f.VCVTPD2PSY(h[0], low)
		f.VCVTPD2PSY(h[1], high)
	}
	if l.mask == nil && f.stores == plain {
		m := f.address(base, l)
		f.VMOVUPS(low, m)
		f.VMOVUPS(high, m.Offset(2*f.lanes))
		return
	}
	r := f.reg()
	if f.wide() {
		f.VINSERTF64X4(U8(1), high, low.(VecVirtual).AsZ(), r)
	} else {
		f.VINSERTF128(U8(1), high, low.(VecVirtual).AsY(), r)
	}
	f.put(r, base, l)
}

// foldWide is the sum of all float64 in two registers, in the first lane.
func (f *flow) foldWide(acc []VecVirtual) Register {
	f.VADDPD(acc[1], acc[0], acc[0])
	f.fold(acc[0], func(a, b Register) { f.VADDPD(a, b, b) })
	return acc[0].AsX()
}
