package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	tileRows  = 6
	unroll    = 4
	lineBytes = 64 // of a cache line
)

// Registers of a tile kernel. R14 is scratch of the masks, and bStep between them.
var (
	args, b, kOff, left, aStep = RAX, RBX, RCX, RDX, RSI
	seg, next, bStep           = RDI, R15, R14
	rowPtr                     = []GPPhysical{R8, R9, R10, R11, R12, R13}
	ahead                      = RBP // kOff in the tile that comes next; saved: Go's frame pointer is there
)

// tiles writes the kernels of every height and width.
func tiles(w *writer, v *vector) {
	for _, used := range v.narrow {
		for rows := 1; rows <= tileRows; rows++ {
			tile(w, v, rows, used, false)
			if v.pairs {
				tile(w, v, rows, used, true)
			}
		}
	}
}

// kernel is one tile kernel being written. A multiply-add takes four cycles and two start in each: a tile of
// few columns keeps the processor busy only if it sums alternate k in sets of accumulators of their own.
type kernel struct {
	*writer
	*vector
	rows int
	used int // registers of the panel that hold columns
	sets int // divides unroll
	// pairs says that an element of A and of B is two bfloat16, and its product the sum of their two
	// products.
	pairs bool
}

// segment is a field of the segment at hand.
func (k kernel) segment(field string) Mem { return k.fieldOf(seg, "segment", field) }

func (k kernel) acc(set, r, i int) VecPhysical { return k.regs[(set*tileRows+r)*k.used+i] }
func (k kernel) b(i int) VecPhysical           { return k.regs[tileRows*k.panel+i] }
func (k kernel) temp(i int) VecPhysical {
	free := k.regs[(tileRows+1)*k.panel:]
	return free[i%len(free)]
}

// tile writes the kernel of one number of rows and of used registers of a panel: accumulators start from the
// bias, or zero; for every segment, the k loop broadcasts an element of each row against a row of B; then the
// epilogue.
func tile(w *writer, v *vector, rows, used int, pairs bool) {
	k := kernel{w, v, rows, used, v.panel / used, pairs}
	suffix, likeness := v.suffix, "tileGo"
	if pairs {
		suffix, likeness = "BF16", "pairTileGo"
	}
	w.function(fmt.Sprintf("tile%dx%d%s", rows, v.lanes*used, suffix), "func(args *tileArgs)", fmt.Sprintf(
		"computes args.tiles tiles of %d rows and at most %d columns, as %s does.", rows, v.lanes*used,
		likeness))
	k.Load(k.Param("args"), args)
	k.PUSHQ(ahead)
	k.MOVQ(k.field(args, "aStep"), aStep)
	k.MOVQ(k.field(args, "next"), next)
	k.Label("tile")
	k.fetchResidual()
	k.start()
	k.MOVQ(k.field(args, "bStep"), bStep)
	k.rowPointers("aOff", "a")
	k.MOVQ(k.field(args, "segments"), seg)
	k.MOVQ(k.field(args, "count"), left)
	k.MOVQ(left, k.field(args, "todo"))
	k.TESTQ(left, left)
	k.JZ(LabelRef("epilogue"))
	k.Label("segment")
	k.MOVQ(k.segment("a"), kOff)
	k.MOVQ(k.segment("b"), b)
	k.ADDQ(k.field(args, "b"), b)
	k.MOVQ(k.field(args, "ahead"), ahead)
	k.ADDQ(kOff, ahead)
	k.MOVQ(k.segment("depth"), left)
	k.loop()
	k.CMPQ(k.segment("sum"), k.constant("sumOn"))
	k.JNE(LabelRef("sum"))
	k.Label("next")
	k.ADDQ(k.size("segment"), seg)
	k.DECQ(k.field(args, "todo"))
	k.JNZ(LabelRef("segment"))
	k.Label("epilogue")
	k.epilogue()
	k.ADDQ(I8(8*rows), k.field(args, "aOff"))
	k.ADDQ(I8(8*rows), k.field(args, "cOff"))
	k.DECQ(k.field(args, "tiles"))
	k.JNZ(LabelRef("tile"))
	k.MOVQ(next, k.field(args, "next"))
	k.VZEROUPPER()
	k.POPQ(ahead)
	k.RET()
	k.sum()
}

func (k kernel) start() {
	k.MOVQ(k.field(args, "cols"), left)
	k.mask(left)
	k.TESTQ(k.constant("flagBias"), k.field(args, "flags"))
	k.JZ(LabelRef("nobias"))
	k.MOVQ(k.field(args, "bias"), b)
	for i := range k.used {
		k.load(i, Mem{Base: b, Disp: 4 * k.lanes * i}, k.acc(0, 0, i))
		for r := 1; r < k.rows; r++ {
			k.VMOVAPS(k.acc(0, 0, i), k.acc(0, r, i))
		}
	}
	k.JMP(LabelRef("ready"))
	k.Label("nobias")
	k.each(func(r, i int, _ Mem) { k.zero(k.acc(0, r, i)) })
	k.Label("ready")
	for s := 1; s < k.sets; s++ {
		k.each(func(r, i int, _ Mem) { k.zero(k.acc(s, r, i)) })
	}
}

// fetchResidual fetches the residual, which is read when the tile is done.
func (k kernel) fetchResidual() {
	k.TESTQ(k.constant("flagRes"), k.field(args, "flags"))
	k.JZ(LabelRef("fetched"))
	k.rowPointers("cOff", "c")
	k.MOVQ(k.field(args, "res"), b)
	for _, p := range rowPtr[:k.rows] {
		for at := 0; at < 4*k.lanes*k.used; at += lineBytes {
			k.PREFETCHT0(Mem{Base: p, Index: b, Scale: 1, Disp: at})
		}
	}
	k.Label("fetched")
}

// rowPointers adds the tile's offsets of rows to their base.
func (k kernel) rowPointers(offsets, base string) {
	k.MOVQ(k.field(args, offsets), kOff)
	k.MOVQ(k.field(args, base), left)
	for r, p := range rowPtr[:k.rows] {
		k.MOVQ(Mem{Base: kOff, Disp: 8 * r}, p)
		k.ADDQ(left, p)
	}
}

// loop accumulates the products of one segment.
func (k kernel) loop() {
	k.SUBQ(I8(unroll), left)
	k.JLT(LabelRef("tail"))
	k.Label("unrolled")
	for i := range unroll {
		k.step(i % k.sets)
		for r := i; r < k.rows; r += unroll {
			k.PREFETCHT1(Mem{Base: rowPtr[r], Index: ahead, Scale: 1})
		}
	}
	k.LEAQ(Mem{Base: ahead, Index: aStep, Scale: unroll}, ahead)
	k.SUBQ(I8(unroll), left)
	k.JGE(LabelRef("unrolled"))
	k.Label("tail")
	k.ADDQ(I8(unroll), left)
	k.JZ(LabelRef("done"))
	k.Label("single")
	k.step(0)
	k.DECQ(left)
	k.JNZ(LabelRef("single"))
	k.Label("done")
}

// step is one k: a broadcast to a register and then the multiply-adds, since a broadcast operand in each of
// them would cost a load each. It fetches a line of what comes next, which is in memory as often as not: the
// processor's own prefetching ends with the page and starts with the use.
func (k kernel) step(set int) {
	k.PREFETCHT1(Mem{Base: next})
	k.ADDQ(k.field(args, "nextStep"), next)
	for i := range k.used {
		k.VMOVUPS(Mem{Base: b, Disp: 4 * k.lanes * i}, k.b(i))
	}
	for r, p := range rowPtr[:k.rows] {
		k.VBROADCASTSS(Mem{Base: p, Index: kOff, Scale: 1}, k.temp(r))
		for i := range k.used {
			k.multiply(k.b(i), k.temp(r), k.acc(set, r, i))
		}
	}
	k.ADDQ(aStep, kOff)
	k.ADDQ(bStep, b)
}

// multiply adds the products of x and y to sum.
func (k kernel) multiply(x, y, sum VecPhysical) {
	if k.pairs {
		k.VDPBF16PS(x, y, sum)
	} else {
		k.VFMADD231PS(x, y, sum)
	}
}

// sum ends a part of a long sum.
func (k kernel) sum() {
	k.Label("sum")
	k.MOVQ(k.field(args, "sums"), b)
	place := func(r, i int) Mem { return Mem{Base: b, Disp: 4 * k.lanes * (r*k.used + i)} }
	k.foldSets()
	k.CMPQ(k.segment("sum"), k.constant("sumFirst"))
	k.JEQ(LabelRef("keep"))
	k.each(func(r, i int, _ Mem) { k.VADDPS(place(r, i), k.acc(0, r, i), k.acc(0, r, i)) })
	k.CMPQ(k.segment("sum"), k.constant("sumLast"))
	k.JEQ(LabelRef("next"))
	k.Label("keep")
	k.each(func(r, i int, _ Mem) {
		k.VMOVUPS(k.acc(0, r, i), place(r, i))
		k.zero(k.acc(0, r, i))
	})
	k.JMP(LabelRef("next"))
}

// foldSets adds all sets of accumulators into the first and clears them.
func (k kernel) foldSets() {
	for half := k.sets / 2; half > 0; half /= 2 {
		for s := range half {
			k.each(func(r, i int, _ Mem) {
				k.VADDPS(k.acc(s+half, r, i), k.acc(s, r, i), k.acc(s, r, i))
				k.zero(k.acc(s+half, r, i))
			})
		}
	}
}

func (k kernel) epilogue() {
	k.foldSets()
	k.MOVQ(k.field(args, "cols"), left)
	k.mask(left)
	k.rowPointers("cOff", "c")
	k.TESTQ(k.constant("flagRes"), k.field(args, "flags"))
	k.JZ(LabelRef("nores"))
	k.MOVQ(k.field(args, "res"), b)
	k.each(func(r, i int, _ Mem) {
		k.load(i, Mem{Base: rowPtr[r], Index: b, Scale: 1, Disp: 4 * k.lanes * i}, k.b(0))
		k.VADDPS(k.b(0), k.acc(0, r, i), k.acc(0, r, i))
	})
	k.Label("nores")
	k.TESTQ(k.constant("flagReLU"), k.field(args, "flags"))
	k.JZ(LabelRef("norelu"))
	k.zero(k.b(0))
	k.each(func(r, i int, _ Mem) { k.VMAXPS(k.acc(0, r, i), k.b(0), k.acc(0, r, i)) }) // NaN stays NaN
	k.Label("norelu")
	k.CMPQ(k.field(args, "cols"), I8(k.lanes*k.used))
	k.JNE(LabelRef("partial"))
	k.each(func(r, i int, m Mem) { k.VMOVUPS(k.acc(0, r, i), m) })
	k.JMP(LabelRef("stored"))
	k.Label("partial")
	k.each(func(r, i int, m Mem) { k.store(i, m, k.acc(0, r, i)) })
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
