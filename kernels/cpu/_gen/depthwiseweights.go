package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// elements is how many elements of a row of the window are summed at once, if there are registers for them.
const elements = 3

// gradient adds, for every element of the window, the products of dy and of what lies there.
func (s *sliding) gradient() {
	room, many := 3*s.lanes/2, elements // registers for sums
	if many*s.group > room {
		many = 1
	}
	atOnce := min(s.panel, room/(many*s.group))
	s.channels(func(vectors int) {
		s.window(func() {
			for many := many; many > 0; many /= elements {
				loop, end := s.label("loop"), s.label("end")
				s.SUBQ(I8(many), s.cols)
				s.JLT(LabelRef(end))
				s.Label(loop)
				for first := 0; first < vectors; first += atOnce {
					s.run(many, first, min(atOnce, vectors-first))
				}
				for range many {
					s.ADDQ(s.arg("colStep"), s.tap)
					s.ADDQ(s.arg("colWeight"), s.w)
				}
				s.SUBQ(I8(many), s.cols)
				s.JGE(LabelRef(loop))
				s.Label(end)
				s.ADDQ(I8(many), s.cols)
			}
		})
	})
	s.VZEROUPPER()
	s.RET()
}

// run adds up some elements of some vectors over all positions, from zero, and then adds that to what is
// there.
func (s *sliding) run(elements, first, vectors int) {
	acc := s.fromZero(elements*s.group, vectors)
	positions, in, out := s.get("positions"), s.GP64(), s.get("out")
	step := [2]GPVirtual{s.get("colStep")}
	s.MOVQ(s.tap, in)
	s.ADDQ(s.at, out)
	loop := s.label("position")
	s.Label(loop)
	for i := range vectors {
		dy := s.reg()
		s.fetch(Mem{Base: out, Disp: 4 * s.lanes * (first + i)}, s.tail, dy)
		for e := range elements {
			s.inputs([]Mem{s.apart(in, e, step, first+i)}, func(j, _ int, multiply func(by, sum Register)) {
				multiply(dy, acc[e*s.group+j][i])
			})
		}
	}
	s.ADDQ(s.arg("inStep"), in)
	s.ADDQ(s.arg("outStep"), out)
	s.DECQ(positions)
	s.JNZ(LabelRef(loop))
	next := s.get("colWeight")
	s.each(acc, func(r, i int) {
		m := s.apart(s.w, r/s.group, [2]GPVirtual{next}, first+i)
		m = m.Offset(4 * s.lanes * s.panel * (r % s.group))
		s.VADDPS(m, acc[r][i], acc[r][i])
		s.VMOVUPS(acc[r][i], m)
	})
}
