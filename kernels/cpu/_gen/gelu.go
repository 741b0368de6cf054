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
	m := f.mills(a)
	f.steps(len(x), func(i int) { f.VMULPS(a[i], m[i], m[i]) })
	t := f.times(m, a)
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
	m := f.mills(a)
	f.steps(len(x), func(i int) { f.VSUBPS(a[i], m[i], m[i]) })
	g := f.times(m, a)
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

// mills is M(a)/φ(0), see millsNumerator.
func (f *flow) mills(a []VecVirtual) []VecVirtual {
	num := f.polynomial(a, f.floats("millsNumerator"))
	den := f.polynomial(a, f.floats("millsRest"))
	f.steps(len(a),
		func(i int) { f.VFMADD231PS(num[i], a[i], den[i]) },
		func(i int) { f.VDIVPS(den[i], num[i], num[i]) })
	return num
}

// times is m·φ(a); it changes m and a. As in exp, but without halving: e^(−z/2) with z = a² + 2n·ln 2,
// and with the part of a² that float32 can't hold.
func (f *flow) times(m, a []VecVirtual) []VecVirtual {
	square := f.regs(len(a))
	f.steps(len(a), func(i int) { f.VMULPS(a[i], a[i], square[i]) })
	whole, n := f.nearest(square, -expLog2e/2)
	f.steps(len(a), func(i int) { f.VFMSUB213PS(square[i], a[i], a[i]) })
	f.addProduct(whole, 2*expHigh, square)
	f.addProduct(whole, 2*expLow, a)
	f.steps(len(a), func(i int) { f.VADDPS(a[i], square[i], square[i]) })
	c := append([]float32(nil), expPolynomial...)
	for i := range c {
		c[i] = float32(float64(c[i]) * float64(f.floats("density")[0]) * math.Pow(-0.5, float64(len(c)-1-i)))
	}
	p := f.polynomial(square, c)
	f.steps(len(a), func(i int) { f.VMULPS(m[i], p[i], p[i]) })
	return f.scale(p, n)
}
