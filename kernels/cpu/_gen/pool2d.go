package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pools writes the search for the largest elements of windows, with and without their places, the way back to
// them, and the sums of windows.
func pools(w *writer, v *vector) {
	for _, k := range []*pool{{name: "maxPool"}, {name: "maxPoolIndex", index: true},
		{name: "maxUnpool", back: true}, {name: "sumPool", sum: true}} {
		k.stream = &stream{writer: w, vector: v}
		k.write()
	}
}

// pool is one of the kernels being written. Forward, in is the picture, out the output, and places lie beside
// out; back, in is dy, out dx, and places lie beside in.
type pool struct {
	*stream
	name            string
	index, back     bool
	sum             bool
	args            GPVirtual
	in, out, places GPVirtual // of the position being written
	first           GPVirtual // the place of its window's first element; back, of the position itself
	row, tap        GPVirtual // bytes from there to the element of the window
	here            VecVirtual
	best, place     []VecVirtual
}

func (k *pool) arg(name string) Mem { return k.fieldOf(k.args, "poolArgs", name) }

// beside is the i-th vector of the position's elements.
func (k *pool) beside(base, offset GPVirtual, i int) Mem {
	return Mem{Base: base, Index: offset, Scale: 1, Disp: 4 * k.lanes * i}
}

func (k *pool) write() {
	k.function(k.name+k.suffix, "func(args *poolArgs)", "is "+k.name+"Go.")
	k.args = k.Load(k.Param("args"), k.GP64()).(GPVirtual)
	var positions, left GPVirtual
	for _, a := range []struct {
		name string
		r    *GPVirtual
	}{{"in", &k.in}, {"out", &k.out}, {"index", &k.places}, {"first", &k.first}, {"positions", &positions},
		{"channels", &left}} {
		*a.r = k.GP64()
		k.MOVQ(k.arg(a.name), *a.r)
	}
	k.ANDQ(I32(int32(k.lanes-1)), left)
	mask := k.firstLanes(left)
	k.at = k.GP64()
	k.Label("position")
	k.position(left, mask)
	k.ADDQ(k.arg("inStep"), k.in)
	k.ADDQ(k.arg("outStep"), k.out)
	if k.back {
		k.ADDQ(k.arg("inStep"), k.places)
	} else {
		k.ADDQ(k.arg("outStep"), k.places)
	}
	k.ADDQ(k.arg("place"), k.first)
	k.DECQ(positions)
	k.JNZ(LabelRef("position"))
	if k.sum || k.back {
		k.ifSet("past", func() { k.SFENCE() })
	}
	k.VZEROUPPER()
	k.RET()
}

// position serves all channels of one position, several vectors at a time, then one, then what is left.
func (k *pool) position(left GPVirtual, mask Register) {
	k.MOVQ(k.arg("channels"), left)
	k.XORQ(k.at, k.at)
	for _, many := range []int{unrolled, 1} {
		loop, end := k.label("loop"), k.label("end")
		k.SUBQ(I32(int32(many*k.lanes)), left)
		k.JLT(LabelRef(end))
		k.Label(loop)
		k.channels(many)
		k.ADDQ(I32(int32(4*many*k.lanes)), k.at)
		k.SUBQ(I32(int32(many*k.lanes)), left)
		k.JGE(LabelRef(loop))
		k.Label(end)
		k.ADDQ(I32(int32(many*k.lanes)), left)
	}
	k.JZ(LabelRef("whole"))
	k.tail = mask
	k.channels(1)
	k.Label("whole")
}

// channels serves some vectors of one position.
func (k *pool) channels(many int) {
	k.best, k.place, k.here = nil, nil, k.reg()
	for range many {
		k.best, k.place = append(k.best, k.reg()), append(k.place, k.reg())
	}
	k.spread(k.first, k.here)
	k.start()
	rows, cols := k.GP64(), k.GP64()
	k.row, k.tap = k.GP64(), k.GP64()
	k.MOVQ(k.at, k.row)
	k.MOVQ(k.arg("rows"), rows)
	row, col, end := k.label("row"), k.label("col"), k.label("window")
	k.TESTQ(rows, rows)
	k.JZ(LabelRef(end))
	k.Label(row)
	k.MOVQ(k.arg("cols"), cols)
	k.MOVQ(k.row, k.tap)
	k.Label(col)
	for i := range k.best {
		k.visit(i)
	}
	k.ADDQ(k.arg("colStep"), k.tap)
	k.goOn("colPlace")
	k.DECQ(cols)
	k.JNZ(LabelRef(col))
	k.ADDQ(k.arg("rowStep"), k.row)
	k.goOn("rowPlace")
	k.DECQ(rows)
	k.JNZ(LabelRef(row))
	k.Label(end)
	k.finish()
}

// finish stores what was found: sums scaled, and added to what stands there if they shall be.
func (k *pool) finish() {
	if k.sum {
		scale := k.reg()
		k.VBROADCASTSS(k.arg("scale"), scale)
		for _, b := range k.best {
			k.VMULPS(scale, b, b)
		}
		k.ifSet("add", func() {
			for i, b := range k.best {
				t := k.reg()
				k.fetch(k.beside(k.out, k.at, i), k.tail, t)
				k.VADDPS(t, b, b)
			}
		})
	}
	stored := k.label("stored")
	if (k.sum || k.back) && k.tail == nil {
		k.ifSet("past", func() {
			for i, b := range k.best {
				k.VMOVNTPS(b, k.beside(k.out, k.at, i))
			}
			k.JMP(LabelRef(stored))
		})
	}
	for i, b := range k.best {
		k.put(b, k.tail, k.beside(k.out, k.at, i))
		if k.index {
			k.put(k.place[i], k.tail, k.beside(k.places, k.at, i))
		}
	}
	k.Label(stored)
}

// ifSet writes code that runs if the argument is not 0.
func (k *pool) ifSet(arg string, code func()) {
	t, not := k.GP64(), k.label("not")
	k.MOVQ(k.arg(arg), t)
	k.TESTQ(t, t)
	k.JZ(LabelRef(not))
	code()
	k.Label(not)
}

// start takes the first element of the window as the best, or what is added to.
func (k *pool) start() {
	if !k.back && !k.sum {
		for i, b := range k.best {
			k.fetch(k.beside(k.in, k.at, i), k.tail, b)
			if k.index {
				k.VMOVAPS(k.here, k.place[i])
			}
		}
		return
	}
	for _, b := range k.best {
		k.zeroed(b)
	}
	if k.sum {
		return
	}
	k.ifSet("add", func() {
		for i, b := range k.best {
			k.fetch(k.beside(k.out, k.at, i), k.tail, b)
		}
	})
}

// visit looks at one element of the window.
func (k *pool) visit(i int) {
	if k.sum && k.tail == nil {
		k.VADDPS(k.beside(k.in, k.tap, i), k.best[i], k.best[i])
		return
	}
	x := k.reg()
	k.fetch(k.beside(k.in, k.tap, i), k.tail, x)
	if k.sum {
		k.VADDPS(x, k.best[i], k.best[i])
		return
	}
	if !k.back {
		k.replace(i, x)
		return
	}
	place := k.reg()
	k.fetch(k.beside(k.places, k.tap, i), k.tail, place)
	if k.wide() {
		won := k.K()
		k.VPCMPEQD(place, k.here, won)
		k.VADDPS(x, k.best[i], won, k.best[i])
		return
	}
	k.VPCMPEQD(place, k.here, place)
	k.VANDPS(place, x, x)
	k.VADDPS(x, k.best[i], k.best[i])
}

// replace makes x the best where it is larger or NaN, and no NaN was before.
func (k *pool) replace(i int, x VecVirtual) {
	best := k.best[i]
	if k.wide() {
		won := k.K()
		k.VCMPPS(U8(ordered), best, best, won)
		k.VCMPPS(U8(notLessEqual), best, x, won, won)
		k.VMOVAPS(x, won, best)
		if k.index {
			k.VMOVDQA32(k.here, won, k.place[i])
		}
		return
	}
	won, whole := k.YMM(), k.YMM()
	k.VCMPPS(U8(ordered), best, best, whole)
	k.VCMPPS(U8(notLessEqual), best, x, won)
	k.VANDPS(whole, won, won)
	k.VBLENDVPS(won, x, best, best)
	if k.index {
		k.VBLENDVPS(won, k.here, k.place[i], k.place[i])
	}
}

// ordered is true where neither of both is NaN.
const ordered = 0x07

// goOn is the place that is so much further.
func (k *pool) goOn(step string) {
	if !k.index {
		return
	}
	t := k.reg()
	k.VPBROADCASTD(k.arg(step), t)
	k.VPADDD(t, k.here, k.here)
}

// spread is the low half of a number in all lanes.
func (k *pool) spread(n GPVirtual, r VecVirtual) {
	if !k.index && !k.back {
		return
	}
	if k.wide() {
		k.VPBROADCASTD(n.As32(), r)
		return
	}
	x := k.XMM()
	k.VMOVD(n.As32(), x)
	k.VPBROADCASTD(x, r)
}
