package main

import (
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The instructions of AVX512_BF16, which the assembler of Go does not know, are written as bytes.

// VDPBF16PS adds x[2i]·y[2i] + x[2i+1]·y[2i+1] to the float32 sum[i].
func (w *writer) VDPBF16PS(x, y, sum VecPhysical) { w.evex(prefixF3, 0x52, x, y, sum) }

// VCVTNE2PS2BF16 rounds the float32 of low and then those of high to bfloat16.
func (w *writer) VCVTNE2PS2BF16(low, high, out VecPhysical) { w.evex(prefixF2, 0x72, low, high, out) }

const prefixF3, prefixF2 = 2, 3

// evex writes an instruction on three 512-bit registers, EVEX.512.prefix.0F38.W0 opcode /r (Intel 64 manual,
// volume 2, 2.7.1): the bits of register numbers beside the opcode are inverted.
func (w *writer) evex(prefix, opcode byte, rm, vvvv, reg VecPhysical) {
	m, v, r := int(rm.PhysicalIndex()), int(vvvv.PhysicalIndex()), int(reg.PhysicalIndex())
	not := func(x, bit int) uint32 { return uint32(^x >> bit & 1) }
	w.Instruction(&ir.Instruction{Opcode: "LONG", Operands: []Op{U32(0x62 |
		(not(r, 3)<<7|not(m, 4)<<6|not(m, 3)<<5|not(r, 4)<<4|2)<<8 |
		(uint32(^v&15)<<3|4|uint32(prefix))<<16 |
		(2<<5|not(v, 4)<<3)<<24)}})
	w.Instruction(&ir.Instruction{Opcode: "WORD", Operands: []Op{
		U16(uint16(opcode) | uint16(0xc0|r&7<<3|m&7)<<8)}})
}

// bfloat16 writes the kernel that rounds float32 to bfloat16.
func bfloat16(w *writer, v *vector) {
	if !v.pairs {
		return
	}
	w.function("roundBF16", "func(dst *uint16, src *float32, n int)",
		"rounds 64·n float32 to bfloat16, to nearest even; a denormal becomes 0.")
	src, dst, n := RSI, RDI, RCX
	w.Load(w.Param("src"), src)
	w.Load(w.Param("dst"), dst)
	w.Load(w.Param("n"), n)
	w.Label("again")
	for i := range 4 {
		w.VMOVUPS(Mem{Base: src, Disp: 64 * i}, v.regs[i])
	}
	for i := range 2 {
		w.VCVTNE2PS2BF16(v.regs[2*i], v.regs[2*i+1], v.regs[4+i])
		w.VMOVUPS(v.regs[4+i], Mem{Base: dst, Disp: 64 * i})
	}
	w.ADDQ(I32(256), src)
	w.ADDQ(I32(128), dst)
	w.DECQ(n)
	w.JNZ(LabelRef("again"))
	w.VZEROUPPER()
	w.RET()
}
