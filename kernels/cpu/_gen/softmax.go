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
	w.softmaxGrad(v)
	w.expEach(v)
}

func (w *writer) rowMax(v *vector) {
	f := w.rowKernel(v, "rowMax", "func(x *float32, n int) (peak float32)",
		"is max x, −Inf for n = 0; see rowMaxGo.")
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
	f := w.rowKernel(v, "rowExp", "func(y, x *float32, n int, peak float32) (sum float64)",
		"writes y = exp(x − peak) and is the sum of that; see rowExpGo.")
	f.hold(0)
	f.holdExp()
	peak := f.splat(f.argument("peak"))
	sum := f.expSum(f.param("y"), f.param("x"), f.param("n"), peak, nil)
	f.VMOVSD(sum, f.result("sum"))
	f.end()
}

// expSum writes exp(x − peak) to y and leaves the sum in the first lane. A few registers are added in
// float32, whose sums of two or four are off by less than 2^-24 each and either way; the rest in float64.
// next is where y and x will be for the row behind, or nil: this is the longest pass, in which memory has
// time. It changes n.
func (f *flow) expSum(y, x, n GPVirtual, peak VecVirtual, next []GPVirtual) Register {
	acc := f.zeros(2)
	f.each(n, f.many(), func(l []lane) {
		if next != nil {
			f.steps(len(l),
				func(i int) { f.prefetchStore(next[0], l[i]) },
				func(i int) { f.prefetchFar(next[1], l[i]) })
		}
		t := f.fetchAll(x, l)
		f.steps(len(l), func(i int) { f.VSUBPS(peak, t[i], t[i]) })
		e := f.expNegative(t)
		for i, l := range l {
			f.keep(e[i], y, l)
		}
		f.outside(e[0], l[0], 0)
		f.addWide(f.together(e), acc)
	})
	return f.foldWide(acc)
}

func (w *writer) rowScale(v *vector) {
	f := w.rowKernel(v, "rowScale", "func(y *float32, n int, s float32)",
		"multiplies y by s; see rowScaleGo.")
	s := f.splat(f.argument("s"))
	y := f.param("y")
	f.multiply(y, y, f.param("n"), s)
	f.end()
}

// multiply is y = x·s. It changes n. Past the caches, y is brought to a whole register first.
func (f *flow) multiply(y, x, n GPVirtual, s VecVirtual) {
	if f.stores == past {
		y, x = f.align(y, x, n, s)
	}
	f.each(n, 4, func(l []lane) {
		r := f.fetchAll(x, l)
		f.steps(len(l), func(i int) { f.VMULPS(s, r[i], r[i]) })
		f.putAll(r, y, l)
	})
}

// align is y = x·s for the first of n elements, until y lies on a multiple of the size of a register; it
// gives the rest.
func (f *flow) align(y, x, n GPVirtual, s VecVirtual) (toY, toX GPVirtual) {
	head, at := f.GP64(), f.GP64()
	f.MOVQ(y, head)
	f.NEGQ(head)
	f.ANDQ(I8(int8(4*f.lanes-1)), head)
	f.SHRQ(U8(2), head)
	f.CMPQ(head, n)
	f.CMOVQGT(n, head)
	f.XORQ(at, at)
	l := lane{at: at, mask: f.firstLanes(head)}
	r := f.fetch(x, l)
	f.VMULPS(s, r, r)
	f.put(r, y, l)
	f.SUBQ(head, n)
	toY, toX = f.GP64(), f.GP64()
	f.LEAQ(Mem{Base: y, Index: head, Scale: 4}, toY)
	f.LEAQ(Mem{Base: x, Index: head, Scale: 4}, toX)
	return toY, toX
}

func (w *writer) softmaxRows(v *vector) {
	f := w.rowKernel(v, "softmax",
		"func(y, x, room *float32, d, rows, flags int) (peak float32, sum float64)",
		"writes the softmax of each row of d elements of x to y, which may be x; room has d elements",
		"that results past the caches need; peak and sum are of the last row; see softmaxGo.",
		"There is a row, and it has elements.")
	f.hold(minusInf, 0)
	f.holdExp()
	f.variants(ofResult, func() {
		y, x, d, n := f.param("y"), f.param("x"), f.param("d"), f.GP64()
		to := y
		if f.stores == past {
			to = f.param("room")
		}
		peak := f.reg()
		top := func(x GPVirtual) {
			f.MOVQ(d, n)
			f.VBROADCASTSS(f.max(x, n).AsX(), peak)
		}
		top(x)
		f.overRows([]GPVirtual{y, x}, d, func(next []GPVirtual, left GPVirtual) {
			if f.stores == past { // the line in which two rows meet takes plain stores
				f.PREFETCHT0(Mem{Base: next[0], Index: d, Scale: 4})
			}
			f.VMOVSS(peak.AsX(), f.result("peak"))
			f.MOVQ(d, n)
			sum := f.expSum(to, x, n, peak, next)
			f.VMOVSD(sum, f.result("sum"))
			scale := f.XMM()
			f.VMOVSS(f.copies(1), scale)
			f.VCVTSS2SD(scale, scale, scale)
			f.VDIVSD(sum, scale, scale)
			f.VCVTSD2SS(scale, scale, scale)
			f.unlessLast(left, func() { top(next[1]) }) // while the division waits for the sum
			f.MOVQ(d, n)
			f.multiply(y, to, n, f.splat(scale))
		})
	})
}

// softmaxGrad writes the gradient of a softmax: a pass for the dot product, and one for the gradient.
func (w *writer) softmaxGrad(v *vector) {
	f := w.rowKernel(v, "softmaxGrad", "func(dx, dy, y *float32, d, rows, flags int)",
		"writes dx = y·(dy − Σ dy·y) for each row; see softmaxGradGo. There is a row, and it has elements.")
	f.variants(ofGradient, func() {
		dx, dy, y, d, n := f.param("dx"), f.param("dy"), f.param("y"), f.param("d"), f.GP64()
		f.overRows([]GPVirtual{dx, dy, y}, d, func(next []GPVirtual, _ GPVirtual) {
			dot := f.zeros(2)
			f.MOVQ(d, n)
			f.each(n, f.many(), func(l []lane) {
				t := f.fetchAll(dy, l)
				f.VMULPS(f.operand(y, l[0]), t[0], t[0])
				for i := 1; i < len(l); i++ {
					f.VFMADD132PS(f.address(y, l[i]), t[i-1], t[i])
				}
				for _, l := range l {
					f.prefetchStore(dx, l)
				}
				f.addWide(t[len(l)-1], dot)
			})
			sum := f.foldWide(dot)
			f.VCVTSD2SS(sum, sum, sum)
			all := f.splat(sum)
			f.MOVQ(d, n)
			f.each(n, f.many(), func(l []lane) {
				g := f.fetchAll(dy, l)
				f.steps(len(l),
					func(i int) { f.VSUBPS(all, g[i], g[i]) },
					func(i int) { f.prefetch(next[1], l[i]) },
					func(i int) { f.prefetch(next[2], l[i]) },
					func(i int) { f.give(g[i], f.fetch(y, l[i]), dx, l[i]) })
			})
		})
	})
}

func (w *writer) expEach(v *vector) {
	f := w.rowKernel(v, "exp", "func(y, x *float32, n int)", "writes y = e^x; see expGo.")
	f.holdExp()
	y, x := f.param("y"), f.param("x")
	f.each(f.param("n"), f.many(), func(l []lane) { f.putAll(f.exp(f.fetchAll(x, l)), y, l) })
	f.end()
}
