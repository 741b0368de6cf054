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
	stores stores
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

// inStep writes chains of steps that do not wait for each other side by side, each step for all of n
// registers: the scheduler sees some hundred operations, and four registers of one chain fill no more than
// half of what multiplies. AVX2 has not the registers, and gets one chain after the other.
func (f *flow) inStep(n int, chains ...[]func(i int)) {
	if !f.wide() {
		for _, steps := range chains {
			f.steps(n, steps...)
		}
		return
	}
	for k, left := 0, true; left; k++ {
		left = false
		for _, steps := range chains {
			if k < len(steps) {
				f.steps(n, steps[k])
				left = true
			}
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

// copies64 is four copies of a constant in float64.
func (w *writer) copies64(v float64) Mem {
	bits := math.Float64bits(v)
	m, ok := w.copied64[bits]
	if !ok {
		m = w.StaticGlobal(fmt.Sprintf("d%016x", bits))
		w.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 4 {
			w.AddDatum(8*i, U64(bits))
		}
		w.copied64[bits] = m
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

// overRows writes the loop over "rows" of d elements, at least one; the pointers advance, and next is where
// they will be then. left counts the rows, this one included.
func (f *flow) overRows(pointers []GPVirtual, d GPVirtual, body func(next []GPVirtual, left GPVirtual)) {
	rows := f.param("rows")
	row := f.label("row")
	f.Label(row)
	var next []GPVirtual
	for _, p := range pointers {
		q := f.GP64()
		f.LEAQ(Mem{Base: p, Index: d, Scale: 4}, q)
		next = append(next, q)
	}
	body(next, rows)
	for i, p := range pointers {
		f.MOVQ(next[i], p)
	}
	f.DECQ(rows)
	f.JNZ(LabelRef(row))
}

// unlessLast writes code that is left out for the last row.
func (f *flow) unlessLast(left GPVirtual, code func()) {
	last := f.label("last")
	f.CMPQ(left, U8(1))
	f.JE(LabelRef(last))
	code()
	f.Label(last)
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
