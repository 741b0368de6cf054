package main

import (
	"math"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

var minusInf = float32(math.Inf(-1))

// softmax writes the passes over a row of a softmax, one by one, for long rows, and all of them together.
func softmax(w *writer, v *vector) {
	w.rowMax(v)
	w.rowExp(v)
	w.rowScale(v)
	w.softmaxRows(v)
	w.expEach(v)
}

func (w *writer) rowMax(v *vector) {
	f := w.elementKernel(v, "rowMax", "func(x *float32, n int) (peak float32)", "is max x, −Inf for n = 0; see rowMaxGo.")
	f.hold(minusInf)
	peak := f.max(f.param("x"), f.param("n"))
	f.VMOVSS(peak.AsX(), f.result("peak"))
	f.end()
}

// max is the largest of the n elements of x in the first lane. It changes n.
func (f *flow) max(x, n GPVirtual) VecVirtual {
	var acc []VecVirtual
	for range 4 {
		r := f.reg()
		f.VMOVUPS(f.c(minusInf), r)
		acc = append(acc, r)
	}
	f.each(n, len(acc), func(l []lane) {
		for i, l := range l {
			if l.mask == nil {
				f.VMAXPS(f.address(x, l), acc[i], acc[i])
				continue
			}
			r := f.fetch(x, l)
			f.outside(r, l, minusInf)
			f.VMAXPS(r, acc[0], acc[0])
		}
	})
	f.VMAXPS(acc[1], acc[0], acc[0])
	f.VMAXPS(acc[3], acc[2], acc[2])
	f.VMAXPS(acc[2], acc[0], acc[0])
	top := func(a, b Register) { f.VMAXPS(a, b, b) }
	f.fold(acc[0], top)
	t := f.XMM()
	f.VMOVSHDUP(acc[0].AsX(), t)
	top(t, acc[0].AsX())
	return acc[0]
}

func (w *writer) rowExp(v *vector) {
	f := w.elementKernel(v, "rowExp", "func(y, x *float32, n int, peak float32) (sum float64)",
		"writes y = exp(x − peak) and is the sum of that; see rowExpGo.")
	f.hold(0)
	f.holdExp()
	peak := f.splat(f.argument("peak"))
	sum := f.expSum(f.param("y"), f.param("x"), f.param("n"), peak)
	f.VMOVSD(sum, f.result("sum"))
	f.end()
}

// expSum writes exp(x − peak) to y and leaves the sum in the first lane. A few registers are added in float32,
// whose sums of two or four are off by less than 2^-24 each and either way; the rest in float64. It changes n.
func (f *flow) expSum(y, x, n GPVirtual, peak VecVirtual) Register {
	acc := [2]VecVirtual{f.reg(), f.reg()}
	for _, a := range acc {
		f.VXORPS(a, a, a)
	}
	f.each(n, f.many(), func(l []lane) {
		t := f.fetchAll(x, l)
		f.steps(len(l), func(i int) { f.VSUBPS(peak, t[i], t[i]) })
		e := f.expNegative(t)
		f.putAll(e, y, l)
		f.outside(e[0], l[0], 0)
		for n := len(e) / 2; n > 0; n /= 2 {
			f.steps(n, func(i int) { f.VADDPS(e[i+n], e[i], e[i]) })
		}
		f.addWide(e[0], acc)
	})
	f.VADDPD(acc[1], acc[0], acc[0])
	f.foldWide(acc[0])
	return acc[0].AsX()
}

// addWide adds x to sums in float64, its halves each to their own.
func (f *flow) addWide(x VecVirtual, acc [2]VecVirtual) {
	low, high := f.halves(x)
	f.VADDPD(low, acc[0], acc[0])
	f.VADDPD(high, acc[1], acc[1])
}

// halves is x in float64.
func (f *flow) halves(x VecVirtual) (low, high VecVirtual) {
	low, high = f.reg(), f.reg()
	if f.wide() {
		t := f.YMM()
		f.VEXTRACTF64X4(U8(1), x, t)
		f.VCVTPS2PD(t, high)
		f.VCVTPS2PD(x.AsY(), low)
		return low, high
	}
	t := f.XMM()
	f.VEXTRACTF128(U8(1), x, t)
	f.VCVTPS2PD(t, high)
	f.VCVTPS2PD(x.AsX(), low)
	return low, high
}

// foldWide leaves the sum of the float64 in r in its first lane.
func (f *flow) foldWide(r VecVirtual) { f.fold(r, func(a, b Register) { f.VADDPD(a, b, b) }) }

func (w *writer) rowScale(v *vector) {
	f := w.elementKernel(v, "rowScale", "func(y *float32, n int, s float32)", "multiplies y by s; see rowScaleGo.")
	s := f.splat(f.argument("s"))
	f.multiply(f.param("y"), f.param("n"), s)
	f.end()
}

// multiply is y·s in place. It changes n.
func (f *flow) multiply(y, n GPVirtual, s VecVirtual) {
	f.each(n, 4, func(l []lane) {
		r := f.fetchAll(y, l)
		f.steps(len(l), func(i int) { f.VMULPS(s, r[i], r[i]) })
		f.putAll(r, y, l)
	})
}

func (w *writer) softmaxRows(v *vector) {
	f := w.elementKernel(v, "softmax", "func(y, x *float32, d, rows int) (peak float32, sum float64)",
		"writes the softmax of each row of d elements of x to y, which may be x; peak and sum are",
		"of the last row; see softmaxGo. There is a row, and it has elements.")
	f.hold(minusInf, 0)
	f.holdExp()
	y, x, d, rows := f.param("y"), f.param("x"), f.param("d"), f.param("rows")
	n := f.GP64()
	f.Label("row")
	f.MOVQ(d, n)
	first := f.max(x, n)
	f.VMOVSS(first.AsX(), f.result("peak"))
	f.MOVQ(d, n)
	sum := f.expSum(y, x, n, f.splat(first.AsX()))
	f.VMOVSD(sum, f.result("sum"))
	scale := f.XMM()
	f.VMOVSS(f.copies(1), scale)
	f.VCVTSS2SD(scale, scale, scale)
	f.VDIVSD(sum, scale, scale)
	f.VCVTSD2SS(scale, scale, scale)
	f.MOVQ(d, n)
	f.multiply(y, n, f.splat(scale))
	f.LEAQ(Mem{Base: x, Index: d, Scale: 4}, x)
	f.LEAQ(Mem{Base: y, Index: d, Scale: 4}, y)
	f.DECQ(rows)
	f.JNZ(LabelRef("row"))
	f.end()
}

func (w *writer) expEach(v *vector) {
	f := w.elementKernel(v, "exp", "func(y, x *float32, n int)", "writes y = e^x; see expGo.")
	f.holdExp()
	y, x := f.param("y"), f.param("x")
	f.each(f.param("n"), f.many(), func(l []lane) { f.putAll(f.exp(f.fetchAll(x, l)), y, l) })
	f.end()
}
