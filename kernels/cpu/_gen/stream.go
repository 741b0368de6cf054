package main

import (
	"fmt"
	"slices"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// stream is a kernel that passes its operands once: for every vector of elements its body loads, computes and
// stores. The operands are rows of columns, or one long row; parameters belong to columns.
type stream struct {
	*writer
	*vector
	moving  []string // slices that advance with the elements; the first one is written and says how many
	planes  int      // parameters of a column, in "coef", "width" columns: see kernels/cpu/columns.go
	scalars []string // numbers
	apart   bool     // rows begin "step" elements apart
	bypass  bool     // stores go past the caches, if flagPast says so
	ahead   bool     // loads ask for what comes later, since much is computed between them
	body    func(s *stream)
	tests   []string   // flags that body tests, where special has
	special [][]string // those that are set in the calls that get loops of their own, without tests

	known  map[string]bool // flags that need no test
	labels int
	ptr    map[string]Register
	splat  map[string]Register
	flags  GPVirtual
	at     GPVirtual // bytes from the beginning of the row
	par    GPVirtual // parameters of the vector at at
	k      int       // the vector being written is k further
	tail   Register  // and this the mask of the elements it has; nil has all
	past   bool      // stores go past the caches
}

// unrolled is the vectors of one round of the loop.
const unrolled = 4

// write writes the function, whose last parameter is flags.
func (s *stream) write(name, signature string, doc ...string) {
	s.function(name+s.suffix, signature, doc...)
	s.ptr, s.splat = map[string]Register{}, map[string]Register{}
	for _, m := range s.moving {
		s.ptr[m] = s.Load(s.Param(m).Base(), s.GP64())
	}
	for _, c := range s.scalars {
		r := s.reg()
		s.VBROADCASTSS(s.Load(s.Param(c), s.XMM()), r)
		s.splat[c] = r
	}
	s.splat["zero"] = s.reg()
	s.zeroed(s.splat["zero"])
	s.flags = s.Load(s.Param("flags"), s.GP64()).(GPVirtual)
	n := s.Load(s.Param(s.moving[0]).Len(), s.GP64()).(GPVirtual)
	s.TESTQ(n, n)
	s.JZ(LabelRef("done"))
	s.at, s.par = s.GP64(), s.GP64()
	for _, set := range s.special {
		next, t := s.label("next"), s.GP64()
		s.MOVQ(s.flags, t)
		s.ANDQ(I32(s.bits(s.tests)), t)
		s.CMPQ(t, I32(s.bits(set)))
		s.JNE(LabelRef(next))
		s.known = map[string]bool{}
		for _, flag := range s.tests {
			s.known[flag] = slices.Contains(set, flag)
		}
		s.passes(n)
		s.JMP(LabelRef("done"))
		s.Label(next)
		s.known = nil
	}
	s.passes(n)
	s.Label("done")
	s.VZEROUPPER()
	s.RET()
}

// bits is some flags together.
func (w *writer) bits(flags []string) (all int32) {
	for _, flag := range flags {
		all |= int32(w.constant(flag).(U32))
	}
	return all
}

// passes writes the pass over the operands, and before it one whose stores go past the caches, if there is
// such a one.
func (s *stream) passes(n GPVirtual) {
	if s.bypass {
		s.when("flagPast", func() {
			s.past = true
			s.rows(n)
			s.SFENCE()
			s.JMP(LabelRef("done"))
		})
		s.past = false
	}
	s.rows(n)
}

// rows writes the loop over the rows of n elements in all, the last of which may be short.
func (s *stream) rows(n GPVirtual) {
	left, step := s.GP64(), s.GP64()
	if s.planes == 0 {
		s.MOVQ(n, left)
		s.columns(left)
		return
	}
	row := s.label("row")
	s.Label(row)
	s.Load(s.Param("coef").Base(), s.par)
	s.Load(s.Param("width"), left)
	s.CMPQ(n, left)
	s.CMOVQLT(n, left)
	s.columns(left)
	param := "width"
	if s.apart {
		param = "step"
	}
	s.Load(s.Param(param), step)
	for _, m := range s.moving {
		s.LEAQ(Mem{Base: s.ptr[m], Index: step, Scale: 4}, s.ptr[m])
	}
	s.SUBQ(step, n)
	s.JG(LabelRef(row))
}

// columns writes the loops over left elements of a row, at least one.
func (s *stream) columns(left GPVirtual) {
	done := s.label("rowdone")
	s.XORQ(s.at, s.at)
	for _, many := range []int{unrolled, 1} {
		loop, end := s.label("loop"), s.label("end")
		s.SUBQ(I32(int32(many*s.lanes)), left)
		s.JLT(LabelRef(end))
		s.Label(loop)
		for s.k = range many {
			s.body(s)
		}
		s.ADDQ(I32(int32(4*many*s.lanes)), s.at)
		if s.planes > 0 {
			s.ADDQ(I32(int32(4*many*s.lanes*s.planes)), s.par)
		}
		s.SUBQ(I32(int32(many*s.lanes)), left)
		s.JGE(LabelRef(loop))
		s.Label(end)
		s.ADDQ(I32(int32(many*s.lanes)), left)
	}
	s.JZ(LabelRef(done))
	s.k, s.tail = 0, s.firstLanes(left)
	s.body(s)
	s.tail = nil
	s.Label(done)
}

func (s *stream) label(name string) string {
	s.labels++
	return fmt.Sprintf("%s%d", name, s.labels)
}

// when writes code that runs if the flag is set.
func (s *stream) when(flag string, code func()) {
	if set, ok := s.known[flag]; ok {
		if set {
			code()
		}
		return
	}
	skip := s.label("skip")
	s.TESTQ(s.constant(flag), s.flags)
	s.JZ(LabelRef(skip))
	code()
	s.Label(skip)
}

// reg is a new vector register.
func (v *vector) reg(w *writer) VecVirtual {
	if v.lanes == 16 {
		return w.ZMM()
	}
	return w.YMM()
}

func (s *stream) reg() VecVirtual { return s.vector.reg(s.writer) }

func (s *stream) wide() bool { return s.lanes == 16 }

func (s *stream) zeroed(r Register) {
	if s.wide() {
		s.VPXORD(r, r, r)
	} else {
		s.VXORPS(r, r, r)
	}
}

func (s *stream) address(operand string) Mem {
	return Mem{Base: s.ptr[operand], Index: s.at, Scale: 1, Disp: 4 * s.lanes * s.k}
}

// load is the elements of an operand in a new register; where there are none, zeros.
func (s *stream) load(operand string) VecVirtual {
	r := s.reg()
	s.loadInto(operand, r)
	return r
}

func (s *stream) loadInto(operand string, r Register) {
	if s.ahead && s.tail == nil {
		s.PREFETCHT0(s.address(operand).Offset(prefetchBytes))
	}
	s.fetch(s.address(operand), s.tail, r)
}

// store puts elements where they belong in an operand.
func (s *stream) store(r Register, operand string) {
	if s.past && s.tail == nil {
		s.VMOVNTPS(r, s.address(operand))
		return
	}
	s.put(r, s.tail, s.address(operand))
}

// plane is where the i-th parameter of the columns stands.
func (s *stream) plane(i int) Mem {
	return Mem{Base: s.par, Disp: 4 * s.lanes * (s.planes*s.k + i)}
}

// fetch loads the elements that the mask has, all if it is nil.
func (v *vector) fetch(w *writer, m Mem, mask, r Register) {
	switch {
	case mask == nil:
		w.VMOVUPS(m, r)
	case v.lanes == 16:
		w.VMOVUPS_Z(m, mask, r)
	default:
		w.VMASKMOVPS(m, mask, r)
	}
}

func (s *stream) fetch(m Mem, mask, r Register) { s.vector.fetch(s.writer, m, mask, r) }

// put stores the elements that the mask has, all if it is nil.
func (v *vector) put(w *writer, r, mask Register, m Mem) {
	switch {
	case mask == nil:
		w.VMOVUPS(r, m)
	case v.lanes == 16:
		w.VMOVUPS(r, mask, m)
	default:
		w.VMASKMOVPS(r, mask, m)
	}
}

func (s *stream) put(r, mask Register, m Mem) { s.vector.put(s.writer, r, mask, m) }

// Comparisons: greater is false and notLessEqual true where one of both is NaN.
const greater, notLessEqual = 0x1e, 0x16

// keep leaves r where a and b compare so, and zero elsewhere.
func (s *stream) keep(r Register, a Register, how uint8, b Register) {
	if s.wide() {
		k := s.K()
		s.VCMPPS(U8(how), b, a, k)
		s.VMOVAPS_Z(r, k, r)
		return
	}
	var t VecVirtual = s.YMM()
	if r.Size() == 16 {
		t = s.XMM()
	}
	s.VCMPPS(U8(how), b, a, t)
	s.VANDPS(t, r, r)
}

// firstLanes is the mask of the first n elements of a vector.
func (v *vector) firstLanes(w *writer, n GPVirtual) Register {
	t := w.GP64()
	if v.lanes == 16 {
		k := w.K()
		w.MOVQ(I32(-1), t)
		w.BZHIQ(n, t, t)
		w.KMOVW(t.As32(), k)
		return k
	}
	shift, mask := w.GP64(), w.YMM()
	w.LEAQ(w.maskTable().Offset(4*16), t)
	w.MOVQ(n, shift)
	w.SHLQ(U8(2), shift)
	w.SUBQ(shift, t)
	w.VMOVUPS(Mem{Base: t}, mask)
	return mask
}

func (s *stream) firstLanes(n GPVirtual) Register { return s.vector.firstLanes(s.writer, n) }
