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
	for i, r := range temp {
		w.VMOVUPS(Mem{Base: from, Disp: width * i}, r)
	}
	for i, r := range temp {
		w.VMOVUPS(r, Mem{Base: to, Disp: width * i})
	}
	w.ADDQ(I32(4*width), from)
	w.ADDQ(I32(4*width), to)
	w.SUBQ(I8(4*v.lanes), left)
	w.JGE(LabelRef("four"))
	w.Label("vectors")
	w.ADDQ(I8(3*v.lanes), left)
	w.JLT(LabelRef("rest"))
	w.Label("one")
	w.VMOVUPS(Mem{Base: from}, temp[0])
	w.VMOVUPS(temp[0], Mem{Base: to})
	w.ADDQ(I8(width), from)
	w.ADDQ(I8(width), to)
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
