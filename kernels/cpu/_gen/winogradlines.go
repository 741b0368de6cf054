package main

import . "github.com/mmcloughlin/avo/reg"

// Lines are the transforms in one direction, y = L·x, on vectors of channels.

// inputLine is y = Bᵀ·d.
func (t *minimal) inputLine(d, y []VecPhysical) {
	if t.m == 2 {
		t.VSUBPS(d[2], d[0], y[0])
		t.VADDPS(d[2], d[1], y[1])
		t.VSUBPS(d[1], d[2], y[2])
		t.VSUBPS(d[3], d[1], y[3])
		return
	}
	ends := func(lo, mid, hi, to VecPhysical) { // a²b²·lo − (a²+b²)·mid + hi
		t.VMOVAPS(hi, to)
		t.VFMADD231PS(t.c("a2b2"), lo, to)
		t.VFNMADD231PS(t.c("a2+b2"), mid, to)
	}
	ends(d[0], d[2], d[4], y[0])
	ends(d[1], d[3], d[5], y[5])
	even, odd := y[3], y[4] // free until the end
	t.VMOVAPS(d[4], even)
	t.VFNMADD231PS(t.c("b2"), d[2], even)
	t.VMOVAPS(d[3], odd)
	t.VFNMADD231PS(t.c("b2"), d[1], odd)
	t.VMOVAPS(even, y[1])
	t.VFMADD231PS(t.c("a"), odd, y[1])
	t.VMOVAPS(even, y[2])
	t.VFNMADD231PS(t.c("a"), odd, y[2])
	even, odd = d[4], d[3]
	t.VFNMADD231PS(t.c("a2"), d[2], even)
	t.VFNMADD231PS(t.c("a2"), d[1], odd)
	t.VMOVAPS(even, y[3])
	t.VFMADD231PS(t.c("b"), odd, y[3])
	t.VMOVAPS(even, y[4])
	t.VFNMADD231PS(t.c("b"), odd, y[4])
}

// outputLine is y = Aᵀ·x.
func (t *minimal) outputLine(x, y, free []VecPhysical) {
	if t.m == 2 {
		t.VADDPS(x[1], x[0], y[0])
		t.VADDPS(x[2], y[0], y[0])
		t.VSUBPS(x[2], x[1], y[1])
		t.VSUBPS(x[3], y[1], y[1])
		return
	}
	s1, d1, s2, d2 := free[0], x[1], free[1], x[3]
	t.VADDPS(x[2], x[1], s1)
	t.VSUBPS(x[2], x[1], d1)
	t.VADDPS(x[4], x[3], s2)
	t.VSUBPS(x[4], x[3], d2)
	t.VADDPS(s1, x[0], y[0])
	t.VADDPS(s2, y[0], y[0])
	t.VMULPS(t.c("a"), d1, y[1])
	t.VFMADD231PS(t.c("b"), d2, y[1])
	t.VMULPS(t.c("a2"), s1, y[2])
	t.VFMADD231PS(t.c("b2"), s2, y[2])
	t.VMOVAPS(x[5], y[3])
	t.VFMADD231PS(t.c("a3"), d1, y[3])
	t.VFMADD231PS(t.c("b3"), d2, y[3])
}

// gradientLine is y = A·d.
func (t *minimal) gradientLine(d, y []VecPhysical) {
	if t.m == 2 {
		t.VMOVAPS(d[0], y[0])
		t.VADDPS(d[1], d[0], y[1])
		t.VSUBPS(d[1], d[0], y[2])
		t.zero(y[3])
		t.VSUBPS(d[1], y[3], y[3])
		return
	}
	t.VMOVAPS(d[0], y[0])
	t.VMOVAPS(d[3], y[5])
	point := func(one, two, three string, plus, minus, odd VecPhysical) {
		t.VMOVAPS(d[0], plus)
		t.VFMADD231PS(t.c(two), d[2], plus)
		t.VMULPS(t.c(one), d[1], odd)
		t.VFMADD231PS(t.c(three), d[3], odd)
		t.VSUBPS(odd, plus, minus)
		t.VADDPS(odd, plus, plus)
	}
	odd := t.regs[t.m+t.n]
	point("a", "a2", "a3", y[1], y[2], odd)
	point("b", "b2", "b3", y[3], y[4], odd)
}

// filterLine is y = G·g.
func (t *minimal) filterLine(g, y []VecPhysical) {
	if t.m == 2 {
		t.VADDPD(g[2], g[0], y[1])
		t.VSUBPD(g[1], y[1], y[2])
		t.VADDPD(g[1], y[1], y[1])
		t.VMULPD(t.c("half"), y[1], y[1])
		t.VMULPD(t.c("half"), y[2], y[2])
		t.VMOVAPD(g[0], y[0])
		t.VMOVAPD(g[2], y[3])
		return
	}
	t.VMULPD(t.c("at0"), g[0], y[0])
	t.VMOVAPD(g[2], y[5])
	point := func(one, two, three string, plus, minus VecPhysical) {
		t.VMULPD(t.c(one), g[0], plus)
		t.VFMADD231PD(t.c(three), g[2], plus)
		t.VMOVAPD(plus, minus)
		t.VFMADD231PD(t.c(two), g[1], plus)
		t.VFNMADD231PD(t.c(two), g[1], minus)
	}
	point("atA", "aAtA", "a2AtA", y[1], y[2])
	point("atB", "bAtB", "b2AtB", y[3], y[4])
}

// weightsLine is y = Gᵀ·x.
func (t *minimal) weightsLine(x, y, free []VecPhysical) {
	s1, d1 := free[0], x[1]
	t.VADDPS(x[2], x[1], s1)
	t.VSUBPS(x[2], x[1], d1)
	if t.m == 2 {
		t.VMULPS(t.c("half"), s1, s1)
		t.VMULPS(t.c("half"), d1, y[1])
		t.VADDPS(s1, x[0], y[0])
		t.VADDPS(s1, x[3], y[2])
		return
	}
	s2, d2 := free[1], x[3]
	t.VADDPS(x[4], x[3], s2)
	t.VSUBPS(x[4], x[3], d2)
	t.VMULPS(t.c("at0"), x[0], y[0])
	t.VFMADD231PS(t.c("atA"), s1, y[0])
	t.VFMADD231PS(t.c("atB"), s2, y[0])
	t.VMULPS(t.c("aAtA"), d1, y[1])
	t.VFMADD231PS(t.c("bAtB"), d2, y[1])
	t.VMOVAPS(x[5], y[2])
	t.VFMADD231PS(t.c("a2AtA"), s1, y[2])
	t.VFMADD231PS(t.c("b2AtB"), s2, y[2])
}
