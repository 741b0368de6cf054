package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// peakChains is enough independent multiply-adds to hide their latency.
const peakChains = 12

// peak writes the loop that no kernel beats: multiply-adds on registers alone.
func peak(w *writer, v *vector) {
	w.function("peak"+v.suffix, "func(n int)", "does n·12 vector multiply-adds and nothing else.")
	w.Load(w.Param("n"), RAX)
	for i := range peakChains + 2 {
		v.zero(v.regs[i])
	}
	w.Label("again")
	for i := range peakChains {
		w.VFMADD231PS(v.regs[peakChains], v.regs[peakChains+1], v.regs[i])
	}
	w.DECQ(RAX)
	w.JNZ(LabelRef("again"))
	w.VZEROUPPER()
	w.RET()
}
