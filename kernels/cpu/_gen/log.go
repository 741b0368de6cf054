package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The logarithm of 1+f is 2·atanh(s) with s = f/(2+f), an odd function that is nearly its argument: a
// polynomial in s², minimax in relative error over |s| ≤ 1/3, that is for f from −1/2 to 1: 5e-9.
var atanhPolynomial = []float32{0.28031274676322937, 0.2799786329269409, 0.4002177119255066,
	0.6666641235351562}

// tiny is the least float32 that is not denormal.
const tiny = float32(0x1p-126)

// leastExponent is lower than that of any float32, and its multiples are not infinite.
const leastExponent = float32(-200)

// atanh2 is 2·atanh(s).
func (f *flow) atanh2(s []VecVirtual) []VecVirtual {
	square := f.regs(len(s))
	f.steps(len(s), func(i int) { f.VMULPS(s[i], s[i], square[i]) })
	p := f.polynomial(square, atanhPolynomial)
	f.steps(len(s),
		func(i int) { f.VMULPS(square[i], p[i], p[i]) },
		func(i int) { f.VADDPS(s[i], s[i], square[i]) },
		func(i int) { f.VFMADD213PS(square[i], s[i], p[i]) })
	return p
}

// log1p is log(1 + x) for x from −1/2 to 1, to a few units in the last place.
func (f *flow) log1p(x []VecVirtual) []VecVirtual {
	s, two := f.regs(len(x)), f.c(2)
	f.steps(len(x),
		func(i int) { f.VADDPS(two, x[i], s[i]) },
		func(i int) { f.VDIVPS(s[i], x[i], s[i]) })
	return f.atanh2(s)
}

// splitLog is the exponent n and f of x = 2^n·(1+f), f from −1/4 to 1/2. It changes x. For 0, n is −∞ or less
// than that of the least float32; where x is NaN or negative, both are NaN.
func (f *flow) splitLog(x []VecVirtual) (n, rest []VecVirtual) {
	n, rest = f.regs(len(x)), f.regs(len(x))
	if !f.wide() {
		f.splitBits(x, n, rest)
		return n, rest
	}
	const threeQuarters, noNegative = 3, 2 << 2
	one := f.c(1)
	f.steps(len(x),
		func(i int) { f.VGETEXPPS(x[i], n[i]) },
		func(i int) { f.VGETMANTPS(U8(threeQuarters|noNegative), x[i], rest[i]) },
		func(i int) { f.VGETEXPPS(rest[i], x[i]) },
		func(i int) { f.VSUBPS(x[i], n[i], n[i]) },
		func(i int) { f.VSUBPS(one, rest[i], rest[i]) })
	return n, rest
}

// splitBits is splitLog by integers: those of 3/4 taken from those of x leave n above the bits of the
// fraction.
func (f *flow) splitBits(x, n, rest []VecVirtual) {
	const lessThan, notAtLeast = 1, 9
	bad, small := f.regs(len(x)), f.regs(len(x))
	shift, bits := f.copies(1<<24), f.copies(0.75)
	f.steps(len(x),
		func(i int) { f.VCMPPS(U8(notAtLeast), f.copies(0), x[i], bad[i]) },
		func(i int) { f.VCMPPS(U8(lessThan), f.copies(tiny), x[i], small[i]) },
		func(i int) { f.VMULPS(shift, x[i], rest[i]) },
		func(i int) { f.VBLENDVPS(small[i], rest[i], x[i], x[i]) },
		func(i int) { f.VPSUBD(bits, x[i], n[i]) },
		func(i int) { f.VPSRAD(U8(23), n[i], n[i]) },
		func(i int) { f.VPSLLD(U8(23), n[i], rest[i]) },
		func(i int) { f.VPSUBD(rest[i], x[i], rest[i]) },
		func(i int) { f.VSUBPS(f.copies(1), rest[i], rest[i]) },
		func(i int) { f.VORPS(bad[i], rest[i], rest[i]) },
		func(i int) { f.VCVTDQ2PS(n[i], n[i]) },
		func(i int) { f.VANDPS(f.copies(24), small[i], small[i]) },
		func(i int) { f.VSUBPS(small[i], n[i], n[i]) })
}

// joinLog is n·ln 2 + l.
func (f *flow) joinLog(n, l []VecVirtual) []VecVirtual {
	least := f.r(leastExponent)
	f.steps(len(n), func(i int) { f.VMAXPS(n[i], least, n[i]) })
	f.addProduct(n, expLow, l)
	f.addProduct(n, expHigh, l)
	return l
}

// logs is log p and log(1 − p) for p from 0 to 1, to a few units in the last place. It changes p. Where
// 1 − p is rounded, for p < 1/2, the second is log1p(−p).
func (f *flow) logs(p []VecVirtual) (log, other []VecVirtual) {
	q, half := f.regs(len(p)), f.regs(len(p))
	one := f.r(1)
	f.steps(len(p),
		func(i int) { f.VSUBPS(p[i], one, q[i]) },
		func(i int) { f.VSUBPS(f.c(0.5), p[i], half[i]) }, // negative where p < 1/2
		func(i int) { f.minus(p[i], p[i]) })
	n, rest := f.splitLog(q)
	zero := f.zeros(1)[0]
	f.steps(len(p),
		func(i int) { f.whereNegative(half[i], p[i], rest[i]) },
		func(i int) { f.whereNegative(half[i], zero, n[i]) },
		func(i int) { f.minus(p[i], p[i]) })
	other = f.joinLog(n, f.log1p(rest))
	n, rest = f.splitLog(p)
	return f.joinLog(n, f.log1p(rest)), other
}

// minus is −x.
func (f *flow) minus(x, to VecVirtual) {
	sign := f.c(signBit)
	if f.wide() {
		f.VPXORD(sign, x, to)
		return
	}
	f.VXORPS(sign, x, to)
}
