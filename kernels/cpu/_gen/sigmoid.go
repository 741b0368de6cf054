package main

import . "github.com/mmcloughlin/avo/reg"

// sigmoid writes the logistic function and its gradient.
func sigmoid(w *writer, v *vector) {
	f := w.rowKernel(v, "sigmoid", "func(y, x *float32, n, flags int)",
		"writes y = 1/(1 + e^−x); see sigmoidGo.")
	f.holdExp()
	f.hold(signBit)
	f.variants(ofResult, func() {
		y, x := f.param("y"), f.param("x")
		f.each(f.param("n"), f.many(), func(l []lane) { f.putAll(f.sigmoid(f.fetchAhead(x, l)), y, l) })
	})

	f = w.rowKernel(v, "sigmoidGrad", "func(dx, dy, y *float32, n, flags int)",
		"writes dx = dy·y·(1 − y); see sigmoidGradGo.")
	f.hold(1)
	f.variants(ofGradient, func() {
		dx, dy, y := f.param("dx"), f.param("dy"), f.param("y")
		f.each(f.param("n"), f.many(), func(l []lane) {
			p, rest := f.fetchAll(y, l), f.regs(len(l))
			one := f.r(1)
			f.steps(len(l),
				func(i int) { f.VSUBPS(p[i], one, rest[i]) },
				func(i int) { f.VMULPS(f.operand(dy, l[i]), p[i], p[i]) },
				func(i int) { f.give(p[i], rest[i], dx, l[i]) })
		})
	})
}

// sigmoid is 1/(1 + e^−x): with e = e^−|x|, which never overflows, e/(1+e) where x < 0, 1/(1+e) elsewhere.
// The error is below 2.5 units in the last place.
func (f *flow) sigmoid(x []VecVirtual) []VecVirtual {
	e := f.regs(len(x))
	f.steps(len(x), func(i int) { f.minusAbs(x[i], e[i]) })
	e = f.expNegative(e)
	num := f.regs(len(x))
	one := f.r(1)
	f.steps(len(x),
		func(i int) { f.VMOVAPS(one, num[i]) },
		func(i int) { f.whereNegative(x[i], e[i], num[i]) },
		func(i int) { f.VADDPS(one, e[i], e[i]) },
		func(i int) { f.VDIVPS(e[i], num[i], num[i]) })
	return num
}
