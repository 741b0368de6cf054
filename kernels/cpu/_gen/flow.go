package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// flow writes element-wise code in virtual registers, once for both instruction sets.
//
// It works on many() registers at a time, step by step: written one register after the other, long chains of
// dependent operations fill the scheduler of the processor before it sees the next one (7.2 cycles for 16
// exponentials, 5.1 with four chains in step).
type flow struct {
	*writer
	lanes  int                   // float32 in a register
	held   map[uint32]VecVirtual // by bits
	labels int
}

func (w *writer) flow(v *vector) *flow {
	return &flow{writer: w, lanes: v.lanes, held: map[uint32]VecVirtual{}}
}

// wide says that this is AVX-512.
func (f *flow) wide() bool { return f.lanes == 16 }

// reg is a new register.
func (f *flow) reg() VecVirtual {
	if f.wide() {
		return f.ZMM()
	}
	return f.YMM()
}

// many is how many registers of elements are worked on at once; AVX2 has half the registers.
func (f *flow) many() int { return f.lanes / 4 }

// regs is n new registers.
func (f *flow) regs(n int) (r []VecVirtual) {
	for range n {
		r = append(r, f.reg())
	}
	return r
}

// steps writes each step for all of n registers.
func (f *flow) steps(n int, steps ...func(i int)) {
	for _, step := range steps {
		for i := range n {
			step(i)
		}
	}
}

// end returns.
func (f *flow) end() {
	f.VZEROUPPER()
	f.RET()
}

// rowKernel starts a function of n elements or of rows of d.
func (w *writer) rowKernel(v *vector, name, signature string, doc ...string) *flow {
	w.function(name+v.suffix, signature, doc...)
	return w.flow(v)
}

// label is a name that no other label of the function has.
func (f *flow) label(name string) string {
	f.labels++
	return fmt.Sprintf("%s%d", name, f.labels)
}

// hold keeps constants in registers from here on, where there are registers enough: AVX2 has them in memory.
func (f *flow) hold(values ...float32) {
	if !f.wide() {
		return
	}
	for _, v := range values {
		if bits := math.Float32bits(v); f.held[bits] == nil {
			f.held[bits] = f.splat(f.copies(v))
		}
	}
}

// c is a constant in all lanes, for the last source of instructions; r is one in a register.
func (f *flow) c(v float32) Op {
	if f.wide() {
		return f.r(v)
	}
	return f.copies(v)
}

func (f *flow) r(v float32) Register {
	if r := f.held[math.Float32bits(v)]; r != nil {
		return r
	}
	return f.splat(f.copies(v))
}

// copies is eight copies of a constant in memory.
func (w *writer) copies(v float32) Mem {
	bits := math.Float32bits(v)
	m, ok := w.copied[bits]
	if !ok {
		m = w.StaticGlobal(fmt.Sprintf("f%08x", bits))
		w.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 8 {
			w.AddDatum(4*i, U32(bits))
		}
		w.copied[bits] = m
	}
	return m
}

// param is a parameter in a register.
func (f *flow) param(name string) GPVirtual { return f.Load(f.Param(name), f.GP64()).(GPVirtual) }

// argument and result are where a parameter and a result lie.
func (f *flow) argument(name string) Mem { return f.resolve(f.Param(name)) }
func (f *flow) result(name string) Mem   { return f.resolve(f.Return(name)) }

func (f *flow) resolve(c gotypes.Component) Mem {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// splat is x, the float32 in a memory operand or in the first lane of a register, in all lanes.
func (f *flow) splat(x Op) VecVirtual {
	r := f.reg()
	f.VBROADCASTSS(x, r)
	return r
}

// lane is a set of elements of arrays at one time: the first lanes of a register from element at on.
type lane struct {
	at   GPVirtual // index of the first element
	k    int       // and that many registers further
	mask Register  // nil: all lanes
}

// accumulate is the two ways of a gradient: it is written, or added to what is there.
var accumulate = []struct {
	name, op string
	add      bool
}{{"", "=", false}, {"Acc", "+=", true}}

// gradient puts r·by, or adds it to what is there.
func (f *flow) gradient(add bool, r, by VecVirtual, base Register, l lane) {
	if add {
		old := f.fetch(base, l)
		f.VFMADD231PS(by, r, old)
		f.put(old, base, l)
		return
	}
	f.VMULPS(by, r, r)
	f.put(r, base, l)
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

// putAll is put for each of l.
func (f *flow) putAll(r []VecVirtual, base Register, l []lane) {
	for i, l := range l {
		f.put(r[i], base, l)
	}
}

// put stores those elements.
func (f *flow) put(r Register, base Register, l lane) {
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

// each writes the loops over n elements: body for many registers at once as often as there are so many, then
// for one register, then for the rest, under a mask. It changes n.
func (f *flow) each(n GPVirtual, many int, body func(l []lane)) {
	at := f.GP64()
	f.XORQ(at, at)
	tail, done := f.label("tail"), f.label("done")
	for _, k := range []int{many, 1} {
		again, next := f.label("again"), f.label("next")
		f.Label(again)
		f.CMPQ(n, I32(int32(k*f.lanes)))
		f.JLT(LabelRef(next))
		var l []lane
		for i := range k {
			l = append(l, lane{at: at, k: i})
		}
		body(l)
		f.ADDQ(I32(int32(k*f.lanes)), at)
		f.SUBQ(I32(int32(k*f.lanes)), n)
		f.JMP(LabelRef(again))
		f.Label(next)
		if many == 1 {
			break
		}
	}
	f.Label(tail)
	f.TESTQ(n, n)
	f.JZ(LabelRef(done))
	body([]lane{{at: at, mask: f.firstLanes(n)}})
	f.Label(done)
}

// firstLanes is the mask of the first n lanes.
func (f *flow) firstLanes(n GPVirtual) Register {
	t := f.GP64()
	if f.wide() {
		k := f.K()
		f.MOVQ(I32(-1), t)
		f.BZHIQ(n, t, t)
		f.KMOVW(t.As32(), k)
		return k
	}
	table, mask := f.maskTable(), f.reg()
	f.LEAQ(table.Offset(4*16), t)
	shift := f.GP64()
	f.MOVQ(n, shift)
	f.SHLQ(U8(2), shift)
	f.SUBQ(shift, t)
	f.VMOVUPS(Mem{Base: t}, mask)
	return mask
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

// fold leaves op over all lanes of r in its first: op(a, b) puts the result in b.
func (f *flow) fold(r VecVirtual, op func(a, b Register)) {
	if f.wide() {
		t := f.YMM()
		f.VEXTRACTF64X4(U8(1), r, t)
		op(t, r.AsY())
	}
	t := f.XMM()
	if f.wide() {
		f.VEXTRACTF32X4(U8(1), r, t)
	} else {
		f.VEXTRACTF128(U8(1), r, t)
	}
	op(t, r.AsX())
	f.VMOVHLPS(r.AsX(), t, t)
	op(t, r.AsX())
}
