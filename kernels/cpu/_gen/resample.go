package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// resample writes the kernel below poolings by averages and bilinear interpolation: weighted sums of vectors
// that lie a step apart.
func resample(w *writer, v *vector) {
	m := &mix{stream: &stream{writer: w, vector: v}}
	m.function("mix"+v.suffix,
		"func(dst, src *float32, reaches *reach, weights *float32, outputs, cols, step, flags int)",
		"is mixGo.")
	for _, p := range []struct {
		name string
		r    *GPVirtual
	}{{"dst", &m.dst}, {"src", &m.src}, {"reaches", &m.reaches}, {"weights", &m.weights},
		{"outputs", &m.outputs}, {"step", &m.step}, {"flags", &m.flags}} {
		*p.r = w.Load(w.Param(p.name), w.GP64()).(GPVirtual)
	}
	m.write()
}

// mix is the kernel being written.
type mix struct {
	*stream
	dst, src, reaches, weights, outputs, step GPVirtual
	from, taps                                GPVirtual // the first vector of this output, and how many
	mask                                      Register  // of what is left behind whole vectors
}

func (m *mix) write() {
	m.TESTQ(m.outputs, m.outputs)
	m.JZ(LabelRef("done"))
	rest := m.left()
	m.ANDQ(I32(int32(m.lanes-1)), rest)
	m.mask = m.firstLanes(rest)
	m.from, m.taps = m.GP64(), m.GP64()
	m.Label("output")
	m.MOVQ(Mem{Base: m.reaches}, m.from)
	m.ADDQ(m.src, m.from)
	m.MOVQ(Mem{Base: m.reaches, Disp: 8}, m.taps)
	m.CMPQ(m.taps, U8(2))
	m.JNE(LabelRef("any"))
	m.when("flagAdd", func() { m.JMP(LabelRef("any")) })
	first, second := m.reg(), m.reg()
	m.VBROADCASTSS(Mem{Base: m.weights}, first)
	m.VBROADCASTSS(Mem{Base: m.weights, Disp: 4}, second)
	m.output(func(acc []VecVirtual) { m.two(acc, first, second) })
	m.JMP(LabelRef("next"))
	m.Label("any")
	m.output(m.all)
	m.Label("next")
	m.LEAQ(Mem{Base: m.weights, Index: m.taps, Scale: 4}, m.weights)
	m.ADDQ(U8(16), m.reaches)
	m.DECQ(m.outputs)
	m.JNZ(LabelRef("output"))
	m.Label("done")
	m.when("flagPast", func() { m.SFENCE() })
	m.VZEROUPPER()
	m.RET()
}

// output writes the loops over the columns of one output.
func (m *mix) output(sum func(acc []VecVirtual)) {
	left, whole := m.left(), m.label("whole")
	m.tail = nil
	for _, many := range []int{unrolled, 1} {
		loop, end := m.label("loop"), m.label("end")
		m.SUBQ(I32(int32(many*m.lanes)), left)
		m.JLT(LabelRef(end))
		m.Label(loop)
		m.columns(many, sum)
		m.ADDQ(I32(int32(4*many*m.lanes)), m.from)
		m.ADDQ(I32(int32(4*many*m.lanes)), m.dst)
		m.SUBQ(I32(int32(many*m.lanes)), left)
		m.JGE(LabelRef(loop))
		m.Label(end)
		m.ADDQ(I32(int32(many*m.lanes)), left)
	}
	m.JZ(LabelRef(whole))
	m.tail = m.mask
	m.columns(1, sum)
	m.LEAQ(Mem{Base: m.dst, Index: left, Scale: 4}, m.dst)
	m.Label(whole)
}

// left is the number of columns, in a new register.
func (m *mix) left() GPVirtual { return m.Load(m.Param("cols"), m.GP64()).(GPVirtual) }

// vector is the i-th vector at an address.
func (m *mix) vector(base Register, i int) Mem { return Mem{Base: base, Disp: 4 * m.lanes * i} }

// columns computes and stores some vectors of one output.
func (m *mix) columns(many int, sum func(acc []VecVirtual)) {
	acc := make([]VecVirtual, many)
	for i := range acc {
		acc[i] = m.reg()
	}
	sum(acc)
	if m.tail != nil {
		m.put(acc[0], m.tail, m.vector(m.dst, 0))
		return
	}
	stored := m.label("stored")
	m.when("flagPast", func() {
		for i, a := range acc {
			m.VMOVNTPS(a, m.vector(m.dst, i))
		}
		m.JMP(LabelRef(stored))
	})
	for i, a := range acc {
		m.VMOVUPS(a, m.vector(m.dst, i))
	}
	m.Label(stored)
}

// elements is a vector of src: its place, or a register if it is not whole.
func (m *mix) elements(at Register, i int) Op {
	if m.tail == nil {
		return m.vector(at, i)
	}
	x := m.reg()
	m.fetch(m.vector(at, i), m.tail, x)
	return x
}

// two is the sum of two, which bilinear interpolation wants most often.
func (m *mix) two(acc []VecVirtual, first, second Register) {
	next := m.GP64()
	m.LEAQ(Mem{Base: m.from, Index: m.step, Scale: 1}, next)
	for i, a := range acc {
		m.VMULPS(m.elements(m.from, i), first, a)
		m.VFMADD231PS(m.elements(next, i), second, a)
	}
	m.askAhead(len(acc), m.from, next)
}

// askAhead asks for the vectors that lie behind the columns of this call, with flagAhead.
func (m *mix) askAhead(many int, at ...Register) {
	if m.tail != nil {
		return
	}
	m.when("flagAhead", func() {
		cols := m.left()
		for _, at := range at {
			for i := range many {
				m.PREFETCHT0(Mem{Base: at, Index: cols, Scale: 4, Disp: 4 * m.lanes * i})
			}
		}
	})
}

// all is the sum of any number, and of what stands there with flagAdd.
func (m *mix) all(acc []VecVirtual) {
	for _, a := range acc {
		m.zeroed(a)
	}
	m.when("flagAdd", func() {
		for i, a := range acc {
			m.fetch(m.vector(m.dst, i), m.tail, a)
		}
	})
	taps, at, weight := m.GP64(), m.GP64(), m.GP64()
	m.MOVQ(m.taps, taps)
	m.MOVQ(m.from, at)
	m.MOVQ(m.weights, weight)
	loop, end := m.label("tap"), m.label("taps")
	m.TESTQ(taps, taps)
	m.JZ(LabelRef(end))
	m.Label(loop)
	w := m.reg()
	m.VBROADCASTSS(Mem{Base: weight}, w)
	for i, a := range acc {
		m.VFMADD231PS(m.elements(at, i), w, a)
	}
	m.askAhead(len(acc), at)
	m.ADDQ(m.step, at)
	m.ADDQ(U8(4), weight)
	m.DECQ(taps)
	m.JNZ(LabelRef(loop))
	m.Label(end)
}
