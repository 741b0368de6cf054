package main

import (
	"math"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The exponential: e^x = 2^n·e^r with n = round(x/ln 2), |r| ≤ ln 2/2. ln 2 is a sum of two constants, the
// first with so few bits that n times it is exact; so is then, nearly always, what is left of x. AVX2 adds
// expRound, which leaves the integer n in the low bits. The polynomial is minimax in relative error, 3.1e-9.
// Beyond its clamps e^x is 0 or infinite.
const (
	expLog2e = float32(math.Log2E)
	expRound = float32(1.5 * (1 << 23))
	expHigh  = float32(0.693359375)
	expLow   = float32(math.Ln2 - 0.693359375)
	expMin   = float32(-104)
	expMax   = float32(89)
)

var expPolynomial = []float32{0.0013814540579915047, 0.00836874544620514, 0.04166838899254799,
	0.1666652113199234, 0.4999999403953552, 1, 1}

// holdExp holds what exp needs.
func (f *flow) holdExp() {
	f.hold(expLog2e, -expHigh, -expLow, expMin, expMax)
	f.hold(expPolynomial...)
}

// exp is e^x; the error is below 0.9 units in the last place, for denormal results too. NaN gives NaN.
func (f *flow) exp(x []VecVirtual) []VecVirtual {
	t := f.regs(len(x))
	low, high := f.r(expMin), f.r(expMax)
	f.steps(len(x),
		// The second source, written first, is the result if either is NaN.
		func(i int) { f.VMAXPS(x[i], low, t[i]) },
		func(i int) { f.VMINPS(t[i], high, t[i]) })
	return f.scale(f.expParts(t))
}

// expNegative is exp for x that are not above 0, or NaN.
func (f *flow) expNegative(x []VecVirtual) []VecVirtual {
	t := f.regs(len(x))
	low := f.r(expMin)
	f.steps(len(x), func(i int) { f.VMAXPS(x[i], low, t[i]) })
	return f.scale(f.expParts(t))
}

// expParts is e^x as p·2^n, p near 1, n as scale wants it; it changes x.
func (f *flow) expParts(x []VecVirtual) (p, n []VecVirtual) {
	whole, n := f.nearest(x, expLog2e)
	f.addProduct(whole, -expHigh, x)
	f.addProduct(whole, -expLow, x)
	return f.polynomial(x, expPolynomial), n
}

// nearest is the integer nearest to c·x, as a float32 and as scale wants it.
func (f *flow) nearest(x []VecVirtual, c float32) (whole, n []VecVirtual) {
	whole, n, steps := f.nearestSteps(x, c)
	f.steps(len(x), steps...)
	return whole, n
}

func (f *flow) nearestSteps(x []VecVirtual, c float32) (whole, n []VecVirtual, steps []func(i int)) {
	n = f.regs(len(x))
	factor := f.later(c)
	if f.wide() {
		return n, n, []func(i int){
			func(i int) { f.VMULPS(factor(i), x[i], n[i]) },
			func(i int) { f.VRNDSCALEPS(U8(8), n[i], n[i]) }}
	}
	whole = f.regs(len(x))
	round := f.c(expRound)
	return whole, n, []func(i int){
		func(i int) { f.VMOVUPS(round, n[i]) },
		func(i int) { f.VFMADD231PS(factor(i), x[i], n[i]) },
		func(i int) { f.VSUBPS(round, n[i], whole[i]) }}
}

// later is a constant that is loaded when the first of some registers wants it.
func (f *flow) later(v float32) func(i int) Op {
	var c Op
	return func(i int) Op {
		if i == 0 {
			c = f.c(v)
		}
		return c
	}
}

// addProduct is y += c·x.
func (f *flow) addProduct(x []VecVirtual, c float32, y []VecVirtual) {
	f.steps(len(x), f.addProductStep(x, c, y))
}

func (f *flow) addProductStep(x []VecVirtual, c float32, y []VecVirtual) func(i int) {
	factor := f.later(c)
	return func(i int) { f.VFMADD231PS(factor(i), x[i], y[i]) }
}

// polynomial is Σ c·x^k, the coefficient of the highest power first.
func (f *flow) polynomial(x []VecVirtual, coefficients []float32) (p []VecVirtual) {
	p = f.regs(len(x))
	f.steps(len(x), f.polynomialSteps(p, x, coefficients)...)
	return p
}

func (f *flow) polynomialSteps(p, x []VecVirtual, coefficients []float32) (steps []func(i int)) {
	first := f.later(coefficients[0])
	steps = append(steps, func(i int) { f.VMOVUPS(first(i), p[i]) })
	for _, v := range coefficients[1:] {
		c := f.later(v)
		steps = append(steps, func(i int) { f.VFMADD213PS(c(i), x[i], p[i]) })
	}
	return steps
}

// scale multiplies p, from 1/64 to 64, by 2^n, rounding once. AVX2 has n in the low bits, and makes two
// factors of it, since 2^n itself may be out of range.
func (f *flow) scale(p, n []VecVirtual) []VecVirtual {
	if f.wide() {
		f.steps(len(p), func(i int) { f.VSCALEFPS(n[i], p[i], p[i]) })
		return p
	}
	half := f.regs(len(p))
	f.steps(len(p),
		func(i int) { f.VPSRAD(U8(1), n[i], half[i]) },
		func(i int) { f.VPSUBD(half[i], n[i], n[i]) })
	one := f.c(1)
	for _, e := range [][]VecVirtual{half, n} {
		f.steps(len(p),
			func(i int) { f.VPSLLD(U8(23), e[i], e[i]) },
			func(i int) { f.VPADDD(one, e[i], e[i]) },
			func(i int) { f.VMULPS(e[i], p[i], p[i]) })
	}
	return p
}
