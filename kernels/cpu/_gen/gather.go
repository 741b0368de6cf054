package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// gather writes a kernel that copies rows of a matrix, to have them close together.
func gather(w *writer, v *vector) {
	w.function("gather"+v.suffix, "func(dst, src *float32, rows, cols, dstStride, srcStride int)",
		"copies rows of cols floats, each filled up with zeros to whole vectors. Strides are bytes.")
	dst, src, rows, cols, dstStride, srcStride := RDI, RSI, RCX, RDX, R8, R9
	to, from, left, temp := R10, R11, R12, v.regs[:4]
	for i, p := range []string{"dst", "src", "rows", "cols", "dstStride", "srcStride"} {
		w.Load(w.Param(p), []GPPhysical{dst, src, rows, cols, dstStride, srcStride}[i])
	}
	width := 4 * v.lanes
	turn := func(regs []VecPhysical, step Op) { // of a loop: as many vectors as registers
		for i, r := range regs {
			w.VMOVUPS(Mem{Base: from, Disp: width * i}, r)
		}
		for i, r := range regs {
			w.VMOVUPS(r, Mem{Base: to, Disp: width * i})
		}
		w.ADDQ(step, from)
		w.ADDQ(step, to)
	}
	w.MOVQ(cols, left)
	w.ANDQ(I8(v.lanes-1), left)
	v.mask(left)
	w.Label("row")
	w.MOVQ(dst, to)
	w.MOVQ(src, from)
	w.MOVQ(cols, left)
	w.SUBQ(I8(4*v.lanes), left)
	w.JLT(LabelRef("vectors"))
	w.Label("four")
	turn(temp, I32(4*width))
	w.SUBQ(I8(4*v.lanes), left)
	w.JGE(LabelRef("four"))
	w.Label("vectors")
	w.ADDQ(I8(3*v.lanes), left)
	w.JLT(LabelRef("rest"))
	w.Label("one")
	turn(temp[:1], I8(width))
	w.SUBQ(I8(v.lanes), left)
	w.JGE(LabelRef("one"))
	w.Label("rest")
	w.ADDQ(I8(v.lanes), left)
	w.JZ(LabelRef("next"))
	v.load(0, Mem{Base: from}, temp[0])
	w.VMOVUPS(temp[0], Mem{Base: to})
	w.Label("next")
	w.ADDQ(dstStride, dst)
	w.ADDQ(srcStride, src)
	w.DECQ(rows)
	w.JNZ(LabelRef("row"))
	w.VZEROUPPER()
	w.RET()
}
