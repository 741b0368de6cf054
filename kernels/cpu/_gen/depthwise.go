package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// depthwise writes the kernels of convolutions in groups of few channels, as many as a vector has or fewer:
// weighted sums of vectors of channels, and the sums over positions that are the gradient of the weights.
func depthwise(w *writer, v *vector) {
	for group := 1; group <= v.lanes; group *= 2 {
		if group < v.lanes { // else it is a product
			slide := &sliding{stream: &stream{writer: w, vector: v}, group: group}
			slide.start("slide")
			slide.forward()
		}
		sum := &sliding{stream: &stream{writer: w, vector: v}, group: group}
		sum.start("slideWeights")
		sum.gradient()
	}
}

// sliding is one of the kernels being written. Several positions, or elements of the window, are served at
// once, since they share what is loaded. Within a group each output has weights for every input, which is
// moved to all lanes of its group first.
type sliding struct {
	*stream
	group      int // channels
	args       GPVirtual
	in, out    *GPVirtual // the position at hand, if that is not the first one
	weights    GPVirtual  // of the channels at hand, those of the window's first element
	left       GPVirtual  // channels
	mask       Register   // of the channels behind whole vectors
	tap, w     GPVirtual  // the element of the window at hand, and its weights
	rows, cols GPVirtual
	zero       VecVirtual
}

func (s *sliding) start(name string) {
	s.function(fmt.Sprint(name, s.group, s.suffix), "func(args *depthwiseArgs)",
		fmt.Sprintf("is %sGo for groups of %d.", name, s.group))
	s.args = s.Load(s.Param("args"), s.GP64()).(GPVirtual)
	s.left = s.get("channels")
	s.ANDQ(I32(int32(s.lanes-1)), s.left)
	s.mask = s.firstLanes(s.left)
	s.at, s.weights, s.tap, s.w = s.GP64(), s.GP64(), s.GP64(), s.GP64()
	s.zero = s.reg()
	s.zeroed(s.zero)
}

func (s *sliding) arg(name string) Mem { return s.fieldOf(s.args, "depthwiseArgs", name) }

// get is an argument in a register.
func (s *sliding) get(name string) GPVirtual {
	r := s.GP64()
	s.MOVQ(s.arg(name), r)
	return r
}

// channels writes the loops over the channels of some positions, several vectors at a time.
func (s *sliding) channels(body func(vectors int)) {
	s.MOVQ(s.arg("channels"), s.left)
	s.MOVQ(s.arg("weights"), s.weights)
	s.XORQ(s.at, s.at)
	whole := s.label("whole")
	for many := s.panel; many > 0; many /= 2 {
		n := int32(many * s.lanes)
		loop, end := s.label("loop"), s.label("end")
		s.SUBQ(I32(n), s.left)
		s.JLT(LabelRef(end))
		s.Label(loop)
		body(many)
		s.ADDQ(I32(4*n), s.at)
		if many == s.panel {
			s.ADDQ(s.arg("panel"), s.weights)
		} else {
			s.ADDQ(I32(4*n), s.weights)
		}
		s.SUBQ(I32(n), s.left)
		s.JGE(LabelRef(loop))
		s.Label(end)
		s.ADDQ(I32(n), s.left)
	}
	if s.group < s.lanes { // else channels are whole vectors
		s.JZ(LabelRef(whole))
		s.tail = s.mask
		body(1)
		s.tail = nil
		s.Label(whole)
	}
}

// apart is the i-th vector at base, and so many steps behind it: steps are once and three times one.
func (s *sliding) apart(base GPVirtual, steps int, step [2]GPVirtual, i int) Mem {
	m := Mem{Base: base, Disp: 4 * s.lanes * i}
	switch steps {
	case 1, 2:
		m.Index, m.Scale = step[0], uint8(steps)
	case 3:
		m.Index, m.Scale = step[1], 1
	}
	return m
}

// steps is an argument, and three times it.
func (s *sliding) steps(name string) [2]GPVirtual {
	one, three := s.get(name), s.GP64()
	s.LEAQ(Mem{Base: one, Index: one, Scale: 2}, three)
	return [2]GPVirtual{one, three}
}

// window writes the loops over the rows of the window, and what they do with the columns of each.
func (s *sliding) window(columns func()) {
	s.rows = s.get("rows")
	s.cols = s.GP64()
	row, end := s.label("row"), s.label("window")
	s.TESTQ(s.rows, s.rows)
	s.JZ(LabelRef(end))
	if s.in != nil {
		s.LEAQ(Mem{Base: *s.in, Index: s.at, Scale: 1}, s.tap)
	} else {
		s.MOVQ(s.arg("in"), s.tap)
		s.ADDQ(s.at, s.tap)
	}
	s.MOVQ(s.weights, s.w)
	s.Label(row)
	s.MOVQ(s.arg("cols"), s.cols)
	columns()
	s.ADDQ(s.arg("rowStep"), s.tap)
	s.ADDQ(s.arg("rowWeight"), s.w)
	s.DECQ(s.rows)
	s.JNZ(LabelRef(row))
	s.Label(end)
}

// together is how many positions are computed at once.
const together = 4

func (s *sliding) forward() {
	positions, in, out := s.arg("positions"), s.get("in"), s.get("out")
	s.in, s.out = &in, &out
	step := s.steps("inStep")
	for _, many := range []int{together, 1} {
		loop, end := fmt.Sprintf("positions%d", many), fmt.Sprintf("fewer%d", many)
		s.SUBQ(I8(many), positions)
		s.JLT(LabelRef(end))
		s.Label(loop)
		s.channels(func(vectors int) { s.sums(many, vectors, step) })
		for range many {
			s.ADDQ(step[0], in)
			s.ADDQ(s.arg("outStep"), out)
		}
		s.SUBQ(I8(many), positions)
		s.JGE(LabelRef(loop))
		s.Label(end)
		s.ADDQ(I8(many), positions)
	}
	s.ifSet("past", func() { s.SFENCE() })
	s.VZEROUPPER()
	s.RET()
}

// sums computes some vectors of some positions.
func (s *sliding) sums(positions, vectors int, step [2]GPVirtual) {
	acc := s.fromZero(positions, vectors)
	s.ifSet("bias", func() {
		bias := s.get("bias")
		for i, r := range acc[0] {
			s.fetch(Mem{Base: bias, Index: s.at, Scale: 1, Disp: 4 * s.lanes * i}, s.tail, r)
			for _, more := range acc[1:] {
				s.VMOVAPS(r, more[i])
			}
		}
	})
	s.window(func() {
		col := s.label("col")
		s.Label(col)
		for i := range vectors {
			weight := s.reg()
			from := make([]Mem, positions)
			for p := range from {
				from[p] = s.apart(s.tap, p, step, i)
			}
			s.inputs(from, func(j, p int, multiply func(by, sum Register)) {
				if p == 0 {
					s.VMOVUPS(s.weight(s.w, i, j), weight)
				}
				multiply(weight, acc[p][i])
			})
		}
		s.ADDQ(s.arg("colStep"), s.tap)
		s.ADDQ(s.arg("colWeight"), s.w)
		s.DECQ(s.cols)
		s.JNZ(LabelRef(col))
	})
	s.finish(acc)
}

// fromZero is n times some registers of zeros.
func (s *sliding) fromZero(n, vectors int) [][]VecVirtual {
	acc := make([][]VecVirtual, n)
	for i := range acc {
		for range vectors {
			r := s.reg()
			s.VMOVAPS(s.zero, r)
			acc[i] = append(acc[i], r)
		}
	}
	return acc
}

// multiply adds the product of a vector in memory and one in a register.
func (s *sliding) multiply(m Mem, by, sum Register) {
	if s.tail == nil {
		s.VFMADD231PS(m, by, sum)
		return
	}
	x := s.reg()
	s.fetch(m, s.tail, x)
	s.VFMADD231PS(x, by, sum)
}

// weight is the weights of vector i of the panel for input j of its groups.
func (s *sliding) weight(base GPVirtual, i, j int) Mem {
	return Mem{Base: base, Disp: 4 * s.lanes * (i + s.panel*j)}
}

// inputs calls f for every input of a group, and for some vectors in memory, with what adds the product of
// that input, in all lanes of its group, and of a register.
func (s *sliding) inputs(from []Mem, f func(input, vector int, multiply func(by, sum Register))) {
	if s.group == 1 || s.group == s.lanes {
		for j := range s.group {
			for v, m := range from {
				f(j, v, func(by, sum Register) {
					if s.group == 1 {
						s.multiply(m, by, sum)
					} else {
						s.multiplyOne(m.Offset(4*j), by, sum)
					}
				})
			}
		}
		return
	}
	quarters := max(1, s.group/4)
	for q := range quarters {
		x := make([]Op, len(from))
		for v, m := range from {
			x[v] = m
			if s.wide() || s.tail != nil { // else there is no register to spare
				x[v] = s.spread(m, q)
			}
		}
		for j := range s.group / quarters {
			lanes := 0x55 * j
			if s.group == 2 {
				lanes = 0x05*j | 0x50*(j+2)
			}
			for v := range from {
				f(4*q+j, v, func(by, sum Register) {
					t := s.reg()
					s.VPERMILPS(U8(lanes), x[v], t)
					s.VFMADD231PS(t, by, sum)
				})
			}
		}
	}
}

// spread is a vector in memory; for groups of two quarters, one of these in the place of both.
func (s *sliding) spread(m Mem, quarter int) Register {
	x := s.reg()
	if s.group <= 4 {
		s.fetch(m, s.tail, x)
		return x
	}
	lanes := U8(0x44 + 0xaa*quarter)
	if s.tail == nil {
		s.VPERMPD(lanes, m, x)
		return x
	}
	s.fetch(m, s.tail, x)
	s.VPERMPD(lanes, x, x)
	return x
}

// multiplyOne adds the product of one element in memory and a register.
func (s *sliding) multiplyOne(m Mem, by, sum Register) {
	if s.wide() {
		s.VFMADD231PS_BCST(m, by, sum)
		return
	}
	t := s.reg()
	s.VBROADCASTSS(m, t)
	s.VFMADD231PS(t, by, sum)
}

// finish adds the residual, applies the ReLU and stores.
func (s *sliding) finish(acc [][]VecVirtual) {
	step, out := s.steps("outStep"), s.GP64()
	s.LEAQ(Mem{Base: *s.out, Index: s.at, Scale: 1}, out)
	s.ifSet("res", func() {
		res := s.get("res")
		s.SUBQ(s.arg("out"), res)
		s.ADDQ(out, res)
		s.each(acc, func(p, i int) {
			t := s.reg()
			s.fetch(s.apart(res, p, step, i), s.tail, t)
			s.VADDPS(t, acc[p][i], acc[p][i])
		})
	})
	s.ifSet("rectify", func() {
		s.each(acc, func(p, i int) { s.keep(acc[p][i], acc[p][i], notLessEqual, s.zero) })
	})
	stored := s.label("stored")
	if s.tail == nil {
		s.ifSet("past", func() {
			s.each(acc, func(p, i int) { s.VMOVNTPS(acc[p][i], s.apart(out, p, step, i)) })
			s.JMP(LabelRef(stored))
		})
	}
	s.each(acc, func(p, i int) { s.put(acc[p][i], s.tail, s.apart(out, p, step, i)) })
	s.Label(stored)
}

// each calls f for every register of some positions.
func (s *sliding) each(acc [][]VecVirtual, f func(p, i int)) {
	for p := range acc {
		for i := range acc[p] {
			f(p, i)
		}
	}
}

// ifSet writes code that runs if the argument is not 0.
func (s *sliding) ifSet(arg string, code func()) {
	not := s.label("not")
	s.CMPQ(s.arg(arg), I8(0))
	s.JEQ(LabelRef(not))
	code()
	s.Label(not)
}
