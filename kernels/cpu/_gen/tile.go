package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	tileRows = 6
	unroll   = 4
)

// Registers of a tile kernel. R14 is scratch of the masks, and bStep between them.
var (
	args, b, kOff, left, aStep = RAX, RBX, RCX, RDX, RSI
	off, taps, bStep           = RDI, R15, R14
	rowPtr                     = []GPPhysical{R8, R9, R10, R11, R12, R13}
)

// tiles writes the kernels of every height and width.
func tiles(w *writer, v *vector) {
	for _, used := range v.narrow {
		for rows := 1; rows <= tileRows; rows++ {
			tile(w, v, rows, used)
		}
	}
}

// kernel is one tile kernel being written.
type kernel struct {
	*writer
	*vector
	rows int
	used int // registers of the panel that hold columns
}

func (k kernel) acc(r, i int) VecPhysical { return k.regs[r*k.panel+i] }
func (k kernel) b(i int) VecPhysical      { return k.regs[tileRows*k.panel+i] }
func (k kernel) temp(i int) VecPhysical {
	free := k.regs[(tileRows+1)*k.panel:]
	return free[i%len(free)]
}

// tile writes the kernel of one number of rows and of used registers of a panel: accumulators start from the
// bias, or zero; for every tap, the row pointers are loaded and the k loop broadcasts an element of each row
// against a row of B; then the epilogue.
func tile(w *writer, v *vector, rows, used int) {
	k := kernel{w, v, rows, used}
	w.function(fmt.Sprintf("tile%dx%d%s", rows, v.lanes*used, v.suffix), "func(args *tileArgs)", fmt.Sprintf(
		"computes args.tiles tiles of %d rows and at most %d columns, as tileGo does.", rows, v.lanes*used))
	k.Load(k.Param("args"), args)
	k.MOVQ(k.field(args, "aStep"), aStep)
	k.Label("tile")
	k.start()
	k.MOVQ(k.field(args, "b"), b)
	k.MOVQ(k.field(args, "bStep"), bStep)
	k.MOVQ(k.field(args, "aOff"), off)
	k.MOVQ(k.field(args, "taps"), taps)
	k.TESTQ(taps, taps)
	k.JZ(LabelRef("epilogue"))
	k.Label("tap")
	k.loadRows()
	k.loop()
	k.ADDQ(k.field(args, "bTap"), b)
	k.DECQ(taps)
	k.JNZ(LabelRef("tap"))
	k.Label("epilogue")
	k.epilogue()
	k.MOVQ(k.field(args, "aTile"), off)
	k.ADDQ(off, k.field(args, "aOff"))
	k.ADDQ(I8(8*rows), k.field(args, "cOff"))
	k.DECQ(k.field(args, "tiles"))
	k.JNZ(LabelRef("tile"))
	k.VZEROUPPER()
	k.RET()
}

func (k kernel) start() {
	k.MOVQ(k.field(args, "cols"), left)
	k.mask(left)
	k.TESTQ(k.constant("flagBias"), k.field(args, "flags"))
	k.JZ(LabelRef("nobias"))
	k.MOVQ(k.field(args, "bias"), b)
	for i := range k.used {
		k.load(i, Mem{Base: b, Disp: 4 * k.lanes * i}, k.acc(0, i))
	}
	for r := 1; r < k.rows; r++ {
		for i := range k.used {
			k.VMOVAPS(k.acc(0, i), k.acc(r, i))
		}
	}
	k.JMP(LabelRef("ready"))
	k.Label("nobias")
	for r := range k.rows {
		for i := range k.used {
			k.zero(k.acc(r, i))
		}
	}
	k.Label("ready")
}

// loadRows turns the tap's offsets into row pointers, -1 into the row of zeros.
func (k kernel) loadRows() {
	for r, p := range rowPtr[:k.rows] {
		k.MOVQ(Mem{Base: off, Disp: 8 * r}, p)
		k.CMPQ(p, I8(-1))
		k.CMOVQEQ(k.field(args, "zero"), p)
		k.ADDQ(k.field(args, "a"), p)
	}
	k.ADDQ(I8(8*k.rows), off)
}

// loop accumulates the products of one tap.
func (k kernel) loop() {
	k.XORQ(kOff, kOff)
	k.MOVQ(k.field(args, "depth"), left)
	k.SUBQ(I8(unroll), left)
	k.JLT(LabelRef("tail"))
	k.Label("unrolled")
	for range unroll {
		k.step()
	}
	k.SUBQ(I8(unroll), left)
	k.JGE(LabelRef("unrolled"))
	k.Label("tail")
	k.ADDQ(I8(unroll), left)
	k.JZ(LabelRef("done"))
	k.Label("single")
	k.step()
	k.DECQ(left)
	k.JNZ(LabelRef("single"))
	k.Label("done")
}

// step is one k: a broadcast to a register and then the multiply-adds, since a broadcast operand in each of
// them would cost a load each.
func (k kernel) step() {
	for i := range k.used {
		k.VMOVUPS(Mem{Base: b, Disp: 4 * k.lanes * i}, k.b(i))
	}
	for r, p := range rowPtr[:k.rows] {
		k.VBROADCASTSS(Mem{Base: p, Index: kOff, Scale: 1}, k.temp(r))
		for i := range k.used {
			k.VFMADD231PS(k.b(i), k.temp(r), k.acc(r, i))
		}
	}
	k.ADDQ(aStep, kOff)
	k.ADDQ(bStep, b)
}

func (k kernel) epilogue() {
	k.MOVQ(k.field(args, "cols"), left)
	k.mask(left)
	k.MOVQ(k.field(args, "cOff"), off)
	for r, p := range rowPtr[:k.rows] {
		k.MOVQ(Mem{Base: off, Disp: 8 * r}, p)
		k.ADDQ(k.field(args, "c"), p)
	}
	k.TESTQ(k.constant("flagRes"), k.field(args, "flags"))
	k.JZ(LabelRef("nores"))
	k.MOVQ(k.field(args, "res"), b)
	k.each(func(r, i int, _ Mem) {
		k.load(i, Mem{Base: rowPtr[r], Index: b, Scale: 1, Disp: 4 * k.lanes * i}, k.b(0))
		k.VADDPS(k.b(0), k.acc(r, i), k.acc(r, i))
	})
	k.Label("nores")
	k.TESTQ(k.constant("flagReLU"), k.field(args, "flags"))
	k.JZ(LabelRef("norelu"))
	k.zero(k.b(0))
	k.each(func(r, i int, _ Mem) { k.VMAXPS(k.acc(r, i), k.b(0), k.acc(r, i)) }) // NaN stays NaN
	k.Label("norelu")
	k.CMPQ(k.field(args, "cols"), I8(k.lanes*k.used))
	k.JNE(LabelRef("partial"))
	k.each(func(r, i int, m Mem) { k.VMOVUPS(k.acc(r, i), m) })
	k.JMP(LabelRef("stored"))
	k.Label("partial")
	k.each(func(r, i int, m Mem) { k.store(i, m, k.acc(r, i)) })
	k.Label("stored")
}

// each calls f for every accumulator of the tile and its place in C.
func (k kernel) each(f func(r, i int, m Mem)) {
	for r := range k.rows {
		for i := range k.used {
			f(r, i, Mem{Base: rowPtr[r], Disp: 4 * k.lanes * i})
		}
	}
}
