package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// columnsums writes the sums over rows: of x and x², and of a gated gradient and its product with x.
func columnsums(w *writer, v *vector) {
	plain := &sums{stream: &stream{writer: w, vector: v}, operands: []string{"x"}, group: 8}
	plain.write("columnSums", "square", "func(sum, square *float64, x *float32, rows, cols, stride int)",
		"is columnSumsGo. There are rows and columns, and stride counts bytes.")
	gradient := &sums{stream: &stream{writer: w, vector: v}, operands: []string{"dy", "y", "x"}, group: 1}
	gradient.write("gradientSums", "product",
		"func(sum, product *float64, dy, y, x *float32, rows, cols, stride, ahead, flags int)",
		"is gradientSumsGo. There are rows and columns, stride counts bytes, and what lies ahead bytes behind is",
		"asked for.")
}

// sums is a kernel that adds rows up in float64. It works on half vectors of float32, which are whole ones of
// float64, and on blocks of them, whose sums are in registers: for all rows if there is one block, else for a
// group of rows, with the rows of the next group asked for in time. Three operands are passed row by row, and
// the caller says how far ahead it goes on.
type sums struct {
	*stream
	operands []string
	group    int // rows
	ptr      map[string]GPVirtual
	cols     GPVirtual
	stride   GPVirtual
	first    GPVirtual // bytes to the first row of the group
	rows     GPVirtual // in the group
	row      GPVirtual // bytes from the first row of the group
	ahead    GPVirtual // and those to what is asked for
	mask     halfMask
}

// halfMask is the elements that a half vector has, as float32 and as float64; nil is all.
type halfMask struct{ narrow, wide Register }

// half is the float32 in a half vector, and also as many half vectors as make a block.
func (s *sums) half() int { return s.lanes / 2 }

func (s *sums) write(name, second, signature string, doc ...string) {
	s.function(name+s.suffix, signature, doc...)
	s.stride = s.Load(s.Param("stride"), s.GP64()).(GPVirtual)
	if len(s.operands) > 1 {
		s.flags = s.Load(s.Param("flags"), s.GP64()).(GPVirtual)
		s.splat = map[string]Register{"zero": s.narrow()}
		s.VXORPS(s.splat["zero"], s.splat["zero"], s.splat["zero"])
	}
	s.row, s.ahead, s.first, s.rows, s.cols = s.GP64(), s.GP64(), s.GP64(), s.GP64(), s.GP64()
	left := s.Load(s.Param("rows"), s.GP64())
	s.XORQ(s.first, s.first)
	s.Label("group")
	s.Load(s.Param("cols"), s.cols)
	s.MOVQ(left, s.rows)
	s.CMPQ(s.cols, I32(int32(s.half()*s.half())))
	s.JLE(LabelRef("rows"))
	s.CMPQ(left, I32(int32(s.group)))
	s.JLE(LabelRef("rows"))
	s.MOVQ(I32(int32(s.group)), s.rows)
	s.Label("rows")
	s.SUBQ(s.rows, left)
	s.blocks(second)
	s.IMULQ(s.stride, s.rows)
	s.ADDQ(s.rows, s.first)
	s.TESTQ(left, left)
	s.JNZ(LabelRef("group"))
	s.VZEROUPPER()
	s.RET()
}

// blocks adds a group of rows.
func (s *sums) blocks(second string) {
	s.ptr = map[string]GPVirtual{}
	for _, p := range append([]string{"sum", second}, s.operands...) {
		s.ptr[p] = s.Load(s.Param(p), s.GP64()).(GPVirtual)
	}
	s.ptr["second"] = s.ptr[second]
	for _, p := range s.operands {
		s.ADDQ(s.first, s.ptr[p])
	}
	for _, n := range []int{s.half(), 1} {
		loop, end := s.label("block"), s.label("end")
		s.Label(loop)
		s.CMPQ(s.cols, I32(int32(n*s.half())))
		s.JLT(LabelRef(end))
		s.block(n)
		s.SUBQ(I32(int32(n*s.half())), s.cols)
		s.JMP(LabelRef(loop))
		s.Label(end)
	}
	done := s.label("done")
	s.TESTQ(s.cols, s.cols)
	s.JZ(LabelRef(done))
	s.mask = s.firstOfHalf(s.cols)
	s.block(1)
	s.mask = halfMask{}
	s.Label(done)
}

// block adds n half vectors of every row to the sums, and goes on to the next columns.
func (s *sums) block(n int) {
	first, second := make([]VecVirtual, n), make([]VecVirtual, n)
	for i := range n {
		first[i], second[i] = s.reg(), s.reg()
		s.fetch64(Mem{Base: s.ptr["sum"], Disp: 8 * s.half() * i}, first[i])
		s.fetch64(Mem{Base: s.ptr["second"], Disp: 8 * s.half() * i}, second[i])
	}
	rows := s.GP64()
	s.MOVQ(s.rows, rows)
	s.XORQ(s.row, s.row)
	if s.group > 1 {
		s.MOVQ(rows, s.ahead)
		s.IMULQ(s.stride, s.ahead)
	} else {
		s.Load(s.Param("ahead"), s.ahead)
	}
	loop := s.label("row")
	s.Label(loop)
	for s.k = range n {
		s.add(first[s.k], second[s.k])
	}
	s.ADDQ(s.stride, s.row)
	s.ADDQ(s.stride, s.ahead)
	s.DECQ(rows)
	s.JNZ(LabelRef(loop))
	for i := range n {
		s.put64(first[i], Mem{Base: s.ptr["sum"], Disp: 8 * s.half() * i})
		s.put64(second[i], Mem{Base: s.ptr["second"], Disp: 8 * s.half() * i})
	}
	for _, p := range s.operands {
		s.ADDQ(I32(int32(4*s.half()*n)), s.ptr[p])
	}
	s.ADDQ(I32(int32(8*s.half()*n)), s.ptr["sum"])
	s.ADDQ(I32(int32(8*s.half()*n)), s.ptr["second"])
}

// add adds what half a vector of one row contributes.
func (s *sums) add(first, second VecVirtual) {
	x := s.reg()
	if len(s.operands) == 1 {
		s.VCVTPS2PD(s.elements("x"), x)
		s.VADDPD(x, first, first)
		s.VFMADD231PD(x, x, second)
		return
	}
	g, dz := s.narrow(), s.reg()
	s.VMOVUPS(s.elements("dy"), g)
	zero := s.splat["zero"]
	s.when("gateOutput", func() {
		y := s.narrow()
		s.VMOVUPS(s.elements("y"), y)
		s.keep(g, y, greater, zero)
	})
	s.when("gateGradient", func() { s.keep(g, g, notLessEqual, zero) })
	s.VCVTPS2PD(g, dz)
	s.VCVTPS2PD(s.elements("x"), x)
	s.VADDPD(dz, first, first)
	s.VFMADD231PD(x, dz, second)
}

// elements is half a vector of an operand: its place, or a register if it is not whole.
func (s *sums) elements(operand string) Op {
	m := Mem{Base: s.ptr[operand], Index: s.row, Scale: 1, Disp: 4 * s.half() * s.k}
	if m.Disp%64 == 0 {
		s.PREFETCHT0(Mem{Base: s.ptr[operand], Index: s.ahead, Scale: 1, Disp: m.Disp})
	}
	if s.mask.narrow == nil {
		return m
	}
	r := s.narrow()
	s.stream.fetch(m, s.mask.narrow, r)
	return r
}

// narrow is a new register for half a vector.
func (s *sums) narrow() VecVirtual {
	if s.wide() {
		return s.YMM()
	}
	return s.XMM()
}

func (s *sums) fetch64(m Mem, r Register) {
	switch {
	case s.mask.wide == nil:
		s.VMOVUPD(m, r)
	case s.stream.wide():
		s.VMOVUPD_Z(m, s.mask.wide, r)
	default:
		s.VMASKMOVPD(m, s.mask.wide, r)
	}
}

func (s *sums) put64(r Register, m Mem) {
	switch {
	case s.mask.wide == nil:
		s.VMOVUPD(r, m)
	case s.stream.wide():
		s.VMOVUPD(r, s.mask.wide, m)
	default:
		s.VMASKMOVPD(r, s.mask.wide, m)
	}
}

// firstOfHalf is the mask of the first n elements of half a vector.
func (s *sums) firstOfHalf(n GPVirtual) halfMask {
	mask := s.firstLanes(n)
	if s.wide() {
		return halfMask{mask, mask}
	}
	narrow, wide := mask.(VecVirtual).AsX(), s.YMM()
	s.VPMOVSXDQ(narrow, wide)
	return halfMask{narrow, wide}
}
