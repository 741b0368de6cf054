package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// transpose writes a kernel that turns lanes rows of 4·n floats into 4·n rows of lanes floats. A register is
// assembled from four floats of each row i, i+4, i+8 ..., one a 128-bit lane; a 4x4 transpose within the
// lanes of four such registers then leaves one column of all rows in each.
func transpose(w *writer, v *vector) {
	w.function("transpose"+v.suffix, "func(dst, src *float32, dstStride, srcStride, n int)",
		"writes dst[k][r] = src[r][k] for k < 4n and r < the lanes of a vector.",
		"Strides are bytes from row to row.")
	dst, dstStride, src, stride, stride3, n := RDI, RDX, []GPPhysical{R8, R9, R10, R11}, RSI, RBX, RCX
	w.Load(w.Param("dst"), dst)
	w.Load(w.Param("src"), src[0])
	w.Load(w.Param("dstStride"), dstStride)
	w.Load(w.Param("srcStride"), stride)
	w.Load(w.Param("n"), n)
	w.LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	quarters := v.lanes / 4
	for q := 1; q < quarters; q++ {
		w.LEAQ(Mem{Base: src[q-1], Index: stride, Scale: 4}, src[q])
	}
	x := []VecPhysical{X0, X1, X2, X3}
	r, t := v.regs[:4], v.regs[4:8]
	w.Label("block")
	for q := range quarters {
		for i := range 4 {
			m := Mem{Base: src[q]}
			switch i {
			case 1, 2:
				m = m.Idx(stride, uint8(i))
			case 3:
				m = m.Idx(stride3, 1)
			}
			v.quarter(q, m, x[i], r[i])
		}
	}
	w.transpose4x4(r, t)
	for i := range 4 {
		w.VMOVUPS(r[i], Mem{Base: dst})
		w.ADDQ(dstStride, dst)
	}
	for q := range quarters {
		w.ADDQ(I8(16), src[q])
	}
	w.DECQ(n)
	w.JNZ(LabelRef("block"))
	w.VZEROUPPER()
	w.RET()
}

// transpose4x4 transposes the 4x4 floats in each 128-bit lane of r, by way of t.
func (w *writer) transpose4x4(r, t []VecPhysical) {
	w.VUNPCKLPS(r[1], r[0], t[0])
	w.VUNPCKHPS(r[1], r[0], t[1])
	w.VUNPCKLPS(r[3], r[2], t[2])
	w.VUNPCKHPS(r[3], r[2], t[3])
	w.VUNPCKLPD(t[2], t[0], r[0])
	w.VUNPCKHPD(t[2], t[0], r[1])
	w.VUNPCKLPD(t[3], t[1], r[2])
	w.VUNPCKHPD(t[3], t[1], r[3])
}
