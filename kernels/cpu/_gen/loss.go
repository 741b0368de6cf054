package main

import (
	. "github.com/mmcloughlin/avo/reg"
)

// losses writes the sums and the gradients of the losses.
func losses(w *writer, v *vector) {
	w.lossSum(v, "mseSum", "(x − t)²", 4, func(f *flow, x, t []VecVirtual, l []lane) []VecVirtual {
		f.steps(len(l),
			func(i int) { f.VSUBPS(t[i], x[i], x[i]) },
			func(i int) { f.VMULPS(x[i], x[i], x[i]) })
		return x
	})
	w.lossSum(v, "bceSum", "t·log x + (1 − t)·log(1 − x), no logarithm below −100", 1, (*flow).bceTerms)
	w.lossSum(v, "bceLogitsSum", "max(x,0) − x·t + log(1 + e^−|x|)", v.lanes/8, (*flow).bceLogitsTerms)

	w.lossGrad(v, "mseGrad", "(x − t)·scale", func(f *flow, x, t []VecVirtual) []VecVirtual {
		f.steps(len(x), func(i int) { f.VSUBPS(t[i], x[i], x[i]) })
		return x
	})
	w.lossGrad(v, "bceGrad", "(x − t)/max(x·(1 − x), 1e−12)·scale", (*flow).bceSlope)
	w.lossGrad(v, "bceLogitsGrad", "(1/(1 + e^−x) − t)·scale", (*flow).bceLogitsSlope)
	w.crossEntropyGrad(v)
}

// lossSum writes the sum of terms, in float64.
func (w *writer) lossSum(v *vector, name, what string, many int,
	terms func(f *flow, x, t []VecVirtual, l []lane) []VecVirtual) {
	f := w.rowKernel(v, name, "func(x, t *float32, n int) (sum float64)",
		"is the sum of "+what+"; see "+name+"Go.")
	x, t := f.param("x"), f.param("t")
	acc := f.zeros(2)
	f.each(f.param("n"), many, func(l []lane) {
		r := terms(f, f.fetchAll(x, l), f.fetchAll(t, l), l)
		f.outside(r[0], l[0], 0)
		f.addWide(f.together(r), acc)
	})
	f.VMOVSD(f.foldWide(acc), f.result("sum"))
	f.end()
}

// lossGrad writes a gradient, slope(x, t)·scale.
func (w *writer) lossGrad(v *vector, name, what string, slope func(f *flow, x, t []VecVirtual) []VecVirtual) {
	f := w.rowKernel(v, name, "func(dx, x, t *float32, n int, scale float32, flags int)",
		"writes dx = "+what+"; see "+name+"Go.")
	f.variants(ofGradient, func() {
		dx, x, t, scale := f.param("dx"), f.param("x"), f.param("t"), f.splat(f.argument("scale"))
		f.each(f.param("n"), f.many(), func(l []lane) {
			d := slope(f, f.fetchAll(x, l), f.fetchAll(t, l))
			f.steps(len(l), func(i int) { f.give(d[i], scale, dx, l[i]) })
		})
	})
}

func (f *flow) bceTerms(p, t []VecVirtual, _ []lane) []VecVirtual {
	log, other := f.logs(p)
	least, one := f.r(-100), f.r(1)
	f.steps(len(t),
		func(i int) { f.VMAXPS(log[i], least, log[i]) },
		func(i int) { f.VMAXPS(other[i], least, other[i]) },
		func(i int) { f.VMULPS(t[i], log[i], log[i]) },
		func(i int) { f.VSUBPS(t[i], one, t[i]) },
		func(i int) { f.VFMADD231PS(t[i], other[i], log[i]) })
	return log
}

func (f *flow) bceLogitsTerms(x, t []VecVirtual, _ []lane) []VecVirtual {
	e := f.regs(len(x))
	f.steps(len(x), func(i int) { f.minusAbs(x[i], e[i]) })
	r := f.log1p(f.expNegative(e))
	zero := f.zeros(1)[0]
	f.steps(len(x),
		func(i int) { f.VMAXPS(x[i], zero, e[i]) },
		func(i int) { f.VFNMADD231PS(t[i], x[i], e[i]) },
		func(i int) { f.VADDPS(e[i], r[i], r[i]) })
	return r
}

func (f *flow) bceSlope(p, t []VecVirtual) []VecVirtual {
	q, one, least := f.regs(len(p)), f.r(1), f.r(1e-12)
	f.steps(len(p),
		func(i int) { f.VSUBPS(p[i], one, q[i]) },
		func(i int) { f.VMULPS(p[i], q[i], q[i]) },
		func(i int) { f.VMAXPS(q[i], least, q[i]) },
		func(i int) { f.VSUBPS(t[i], p[i], p[i]) },
		func(i int) { f.VDIVPS(q[i], p[i], p[i]) })
	return p
}

// bceLogitsSlope is sigmoid(x) − t, with s = sigmoid(−|x|): s − t where x < 0, (1 − t) − s elsewhere, so that
// what is small stays exact for t of 0 and 1.
func (f *flow) bceLogitsSlope(x, t []VecVirtual) []VecVirtual {
	e := f.regs(len(x))
	f.steps(len(x), func(i int) { f.minusAbs(x[i], e[i]) })
	s, one := f.expNegative(e), f.r(1)
	f.steps(len(x),
		func(i int) { f.VADDPS(one, s[i], e[i]) },
		func(i int) { f.VDIVPS(e[i], s[i], s[i]) },
		func(i int) { f.VSUBPS(t[i], s[i], e[i]) },
		func(i int) { f.VSUBPS(t[i], one, t[i]) },
		func(i int) { f.VSUBPS(s[i], t[i], t[i]) },
		func(i int) { f.whereNegative(x[i], e[i], t[i]) })
	return t
}

// crossEntropyGrad writes the part of the gradient that all classes have.
func (w *writer) crossEntropyGrad(v *vector) {
	f := w.rowKernel(v, "crossEntropyGrad", "func(dx, x *float32, n int, lse, scale float32, flags int)",
		"writes dx = exp(x − lse)·scale; see crossEntropyGradGo.")
	f.holdExp()
	f.variants([]stores{added}, func() {
		dx, x := f.param("dx"), f.param("x")
		lse, scale := f.splat(f.argument("lse")), f.splat(f.argument("scale"))
		f.each(f.param("n"), f.many(), func(l []lane) {
			t := f.fetchAll(x, l)
			f.steps(len(l), func(i int) { f.VSUBPS(lse, t[i], t[i]) })
			e := f.exp(t)
			f.steps(len(l), func(i int) { f.give(e[i], scale, dx, l[i]) })
		})
	})
}
