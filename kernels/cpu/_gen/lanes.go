package main

import (
	"math"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// lane is a set of elements of arrays at one time: the first lanes of a register from element at on.
type lane struct {
	at   GPVirtual // index of the first element
	k    int       // and that many registers further
	mask Register  // nil: all lanes
}

// stores is what becomes of results: plain ones replace what is there, added ones are added to it, and those
// past the caches fill whole lines.
type stores int

const (
	plain stores = iota
	past
	added
)

// variants writes the rest of a function for each kind of store that its flags may ask for, and for plain
// ones.
func (f *flow) variants(kinds []stores, code func()) {
	flags := f.param("flags")
	for _, kind := range kinds {
		next := f.label("next")
		f.TESTQ(f.constant([]string{past: "flagPast", added: "flagAdd"}[kind]), flags)
		f.JZ(LabelRef(next))
		f.stores = kind
		code()
		if kind == past {
			f.SFENCE()
		}
		f.end()
		f.Label(next)
	}
	f.stores = plain
	code()
	f.end()
}

// The kinds of stores of a result and of a gradient.
var ofResult, ofGradient = []stores{past}, []stores{added, past}

// give stores a·b.
func (f *flow) give(a, b VecVirtual, base Register, l lane) {
	if f.stores == added {
		old := f.fetch(base, l)
		f.VFMADD231PS(b, a, old)
		f.put(old, base, l)
		return
	}
	f.VMULPS(b, a, a)
	f.put(a, base, l)
}

// address is where the elements of an array of float32 lie.
func (f *flow) address(base Register, l lane) Mem {
	return Mem{Base: base, Index: l.at, Scale: 4, Disp: 4 * f.lanes * l.k}
}

// fetch is a register with those elements; where there is none, zeros.
func (f *flow) fetch(base Register, l lane) VecVirtual {
	m, r := f.address(base, l), f.reg()
	switch {
	case l.mask == nil:
		f.VMOVUPS(m, r)
	case f.wide():
		f.VMOVUPS_Z(m, l.mask, r)
	default:
		f.VMASKMOVPS(m, l.mask, r)
	}
	return r
}

// operand is where those elements are for one use: memory, unless under a mask.
func (f *flow) operand(base Register, l lane) Op {
	if l.mask == nil {
		return f.address(base, l)
	}
	return f.fetch(base, l)
}

// fetchAll is fetch for each of l.
func (f *flow) fetchAll(base Register, l []lane) (r []VecVirtual) {
	for _, l := range l {
		r = append(r, f.fetch(base, l))
	}
	return r
}

// prefetch asks for the cache line of those elements.
func (f *flow) prefetch(base Register, l lane) { f.PREFETCHT0(f.address(base, l)) }

// fetchAhead is fetchAll, and asks for what comes some way behind: long computations let the processor see
// too little of the loads that follow.
func (f *flow) fetchAhead(base Register, l []lane) []VecVirtual {
	for _, l := range l {
		f.prefetchFar(base, l)
	}
	return f.fetchAll(base, l)
}

// prefetchFar asks for what comes some way behind those elements.
func (f *flow) prefetchFar(base Register, l lane) {
	f.PREFETCHT0(f.address(base, l).Offset(prefetchBytes))
}

// prefetchBytes is how far ahead memory is asked: what it takes to answer, times the rate at which it is
// read.
const prefetchBytes = 2048

// prefetchStore asks for the line that they will be stored to, if it has to be read.
func (f *flow) prefetchStore(base Register, l lane) {
	if f.stores != past {
		f.prefetch(base, l)
	}
}

// putAll is put for each of l.
func (f *flow) putAll(r []VecVirtual, base Register, l []lane) {
	for i, l := range l {
		f.put(r[i], base, l)
	}
}

// put stores those elements; keep does so where they will be read again.
func (f *flow) put(r Register, base Register, l lane) {
	if l.mask == nil && f.stores == past {
		f.VMOVNTPS(r, f.address(base, l))
		return
	}
	f.keep(r, base, l)
}

func (f *flow) keep(r Register, base Register, l lane) {
	m := f.address(base, l)
	switch {
	case l.mask == nil:
		f.VMOVUPS(r, m)
	case f.wide():
		f.VMOVUPS(r, l.mask, m)
	default:
		f.VMASKMOVPS(r, l.mask, m)
	}
}

// outside replaces the lanes of r for which there is no element by a constant, outsideIs by those of v.
func (f *flow) outside(r VecVirtual, l lane, v float32) {
	if l.mask != nil {
		f.outsideIs(r, l, f.r(v))
	}
}

func (f *flow) outsideIs(r VecVirtual, l lane, v Register) {
	if f.wide() {
		f.VBLENDMPS(r, v, l.mask, r)
		return
	}
	f.VBLENDVPS(l.mask, r, v, r)
}

// The sign bit, and all but it.
var (
	signBit  = float32(math.Copysign(0, -1))
	restBits = math.Float32frombits(1<<31 - 1)
)

// abs is |x|.
func (f *flow) abs(x, to VecVirtual) {
	clear := f.c(restBits)
	if f.wide() {
		f.VPANDD(clear, x, to)
		return
	}
	f.VANDPS(clear, x, to)
}

// minusAbs is −|x|.
func (f *flow) minusAbs(x, to VecVirtual) {
	set := f.c(signBit)
	if f.wide() {
		f.VPORD(set, x, to)
		return
	}
	f.VORPS(set, x, to)
}

// whereNegative moves a to to in the lanes where the sign of x is set.
func (f *flow) whereNegative(x, a, to VecVirtual) {
	if f.wide() {
		k := f.K()
		f.VPMOVD2M(x, k)
		f.VMOVAPS(a, k, to)
		return
	}
	f.VBLENDVPS(x, a, to, to)
}

// nanWhere makes r NaN in the lanes where x equals v.
func (f *flow) nanWhere(x VecVirtual, v float32, r VecVirtual) {
	const equal = 0
	if f.wide() {
		k := f.K()
		f.VCMPPS(U8(equal), f.c(v), x, k)
		f.VPTERNLOGD(U8(0xff), r, r, k, r)
		return
	}
	t := f.reg()
	f.VCMPPS(U8(equal), f.c(v), x, t)
	f.VORPS(t, r, r)
}
