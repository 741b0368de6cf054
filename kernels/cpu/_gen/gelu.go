package main

import (
	"math"

	. "github.com/mmcloughlin/avo/reg"
)

// gelu writes GELU and its gradient.
func gelu(w *writer, v *vector) {
	f := w.rowKernel(v, "gelu", "func(y, x *float32, n, flags int)", "writes y = x·Φ(x); see geluGo.")
	f.hold(restBits)
	f.variants(ofResult, func() {
		y, x := f.param("y"), f.param("x")
		f.each(f.param("n"), f.many(), func(l []lane) { f.putAll(f.gelu(f.fetchAhead(x, l)), y, l) })
	})

	f = w.rowKernel(v, "geluGrad", "func(dx, dy, x *float32, n, flags int)",
		"writes dx = dy·(Φ(x) + x·φ(x)); see geluGradGo.")
	f.hold(restBits)
	f.variants(ofGradient, func() {
		dx, dy, x := f.param("dx"), f.param("dy"), f.param("x")
		f.each(f.param("n"), f.many(), func(l []lane) {
			d := f.geluSlope(f.fetchAhead(x, l))
			for i, l := range l {
				f.give(d[i], f.fetch(dy, l), dx, l)
			}
		})
	})
}

var plusInf = float32(math.Inf(1))

// gelu is x·Φ(x) = max(x,0) − a·Φ(−a) with a = |x|. The error is below 5.5 units in the last place.
func (f *flow) gelu(x []VecVirtual) []VecVirtual {
	a := f.size(x)
	t := f.tail(a, func(i int, m VecVirtual) { f.VMULPS(a[i], m, m) })
	m := f.regs(len(x))
	zero := f.r(0)
	f.steps(len(x),
		func(i int) { f.VMAXPS(x[i], zero, m[i]) },
		func(i int) { f.VSUBPS(t[i], m[i], m[i]) },
		func(i int) { f.nanWhere(x[i], minusInf, m[i]) }) // −∞·0
	return m
}

// geluSlope is Φ(x) + x·φ(x): g = φ(a)·(M(a)/φ(0) − a) where x < 0, 1 − g elsewhere.
func (f *flow) geluSlope(x []VecVirtual) []VecVirtual {
	a := f.size(x)
	g := f.tail(a, func(i int, m VecVirtual) { f.VSUBPS(a[i], m, m) })
	m := f.regs(len(x))
	one := f.r(1)
	f.steps(len(x),
		func(i int) { f.VSUBPS(g[i], one, m[i]) },
		func(i int) { f.whereNegative(x[i], g[i], m[i]) },
		func(i int) { f.abs(x[i], g[i]) },
		func(i int) { f.nanWhere(g[i], plusInf, m[i]) }) // ∞·0
	return m
}

// size is |x|, or normalEnd if that is less.
func (f *flow) size(x []VecVirtual) []VecVirtual {
	a := f.regs(len(x))
	end := f.r(f.floats("normalEnd")[0])
	f.steps(len(x),
		func(i int) { f.abs(x[i], a[i]) },
		func(i int) { f.VMINPS(a[i], end, a[i]) })
	return a
}

// tail is m·φ(a) with m = M(a)/φ(0), see millsNumerator, as change leaves it. φ is computed as in exp, but
// without halving: e^(−z/2) with z = a² + 2n·ln 2, and with the part of a² that float32 can't hold.
func (f *flow) tail(a []VecVirtual, change func(i int, m VecVirtual)) []VecVirtual {
	k := len(a)
	num, den, square, rest, p := f.regs(k), f.regs(k), f.regs(k), f.regs(k), f.regs(k)
	whole, n, nearest := f.nearestSteps(square, -expLog2e/2)
	above := f.polynomialSteps(num, a, f.floats("millsNumerator"))
	below := append(f.polynomialSteps(den, a, f.floats("millsRest")),
		func(i int) { f.VFMADD231PS(num[i], a[i], den[i]) },
		func(i int) { f.VDIVPS(den[i], num[i], num[i]) },
		func(i int) { change(i, num[i]) })
	exponent := append([]func(i int){func(i int) { f.VMULPS(a[i], a[i], square[i]) }}, nearest...)
	exponent = append(exponent,
		func(i int) { f.VMOVAPS(a[i], rest[i]) },
		func(i int) { f.VFMSUB213PS(square[i], rest[i], rest[i]) },
		f.addProductStep(whole, 2*expHigh, square),
		f.addProductStep(whole, 2*expLow, rest),
		func(i int) { f.VADDPS(rest[i], square[i], square[i]) })
	f.inStep(k, above, below, append(exponent, f.polynomialSteps(p, square, f.densityPolynomial())...))
	f.steps(k, func(i int) { f.VMULPS(num[i], p[i], p[i]) })
	return f.scale(p, n)
}

// densityPolynomial is φ(0)·e^(−x/2), from the polynomial of e^x.
func (f *flow) densityPolynomial() []float32 {
	c := append([]float32(nil), expPolynomial...)
	for i := range c {
		c[i] = float32(float64(c[i]) * float64(f.floats("density")[0]) * math.Pow(-0.5, float64(len(c)-1-i)))
	}
	return c
}
