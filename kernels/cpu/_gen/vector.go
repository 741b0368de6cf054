package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// vector is an instruction set: its registers, and the operations in which the two differ.
type vector struct {
	suffix string
	lanes  int           // float32 in a register
	panel  int           // registers in the width of a panel of B
	pairs  bool          // it multiplies pairs of bfloat16
	narrow []int         // how many of them the kernels use, for panels with few columns
	regs   []VecPhysical // the first tileRows·panel accumulate, then a row of B, then temporaries
	zero   func(VecPhysical)

	// mask prepares load and store for the first cols columns of a panel; it may use the temporaries.
	mask        func(cols GPPhysical)
	load, store func(i int, m Mem, r VecPhysical) // register i of the panel
	quarter     func(lane int, m Mem, x, r VecPhysical)
}

func avx512(w *writer) *vector {
	return &vector{
		suffix: "AVX512",
		lanes:  16,
		panel:  4,
		pairs:  true,
		narrow: []int{1, 2, 3, 4},
		regs: []VecPhysical{Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15,
			Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31},
		zero: func(r VecPhysical) { w.VPXORD(r, r, r) },
		mask: func(cols GPPhysical) {
			w.MOVQ(I32(-1), R14)
			w.BZHIQ(cols, R14, R14)
			for i, k := range opmasks {
				w.KMOVW(R14.As32(), k)
				if i+1 < len(opmasks) {
					w.SHRQ(U8(16), R14)
				}
			}
		},
		load:  func(i int, m Mem, r VecPhysical) { w.VMOVUPS_Z(m, opmasks[i], r) },
		store: func(i int, m Mem, r VecPhysical) { w.VMOVUPS(r, opmasks[i], m) },
		quarter: func(lane int, m Mem, x, r VecPhysical) {
			if lane == 0 {
				w.VMOVUPS(m, x)
				return
			}
			w.VINSERTF32X4(U8(lane), m, r, r)
		},
	}
}

var opmasks = []OpmaskPhysical{K1, K2, K3, K4}

func avx2(w *writer) *vector {
	return &vector{
		suffix: "AVX2",
		lanes:  8,
		panel:  2,
		narrow: []int{1, 2},
		regs:   []VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15},
		zero:   func(r VecPhysical) { w.VXORPS(r, r, r) },
		mask: func(cols GPPhysical) {
			table := w.maskTable()
			w.LEAQ(table.Offset(4*16), R14)
			w.SHLQ(U8(2), cols)
			w.SUBQ(cols, R14)
			w.VMOVUPS(Mem{Base: R14}, Y14)
			w.VMOVUPS(Mem{Base: R14, Disp: 32}, Y15)
		},
		load:  func(i int, m Mem, r VecPhysical) { w.VMASKMOVPS(m, avx2Masks[i], r) },
		store: func(i int, m Mem, r VecPhysical) { w.VMASKMOVPS(r, avx2Masks[i], m) },
		quarter: func(lane int, m Mem, x, r VecPhysical) {
			if lane == 0 {
				w.VMOVUPS(m, x)
				return
			}
			w.VINSERTF128(U8(lane), m, r, r)
		},
	}
}

var avx2Masks = []VecPhysical{Y14, Y15}

// maskTable is 16 words of ones, then 16 of zeros: from cols words before the middle, the mask of cols
// columns.
func (w *writer) maskTable() Mem {
	if w.masks == nil {
		m := w.StaticGlobal("masks")
		w.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 32 {
			var v uint32
			if i < 16 {
				v = 1<<32 - 1
			}
			w.AddDatum(4*i, U32(v))
		}
		w.masks = &m
	}
	return *w.masks
}
