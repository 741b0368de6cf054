package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// minimal writes the transforms of one of Winograd's algorithms F(m×m, 3×3).
type minimal struct {
	*writer
	*vector
	m, n    int
	doubles bool                   // it computes in float64, on half as many lanes
	held    map[string]VecPhysical // constants in registers, on AVX-512
}

// Points of interpolation: 0, ±1 and ∞ for m = 2; 0, ±a, ±b and ∞ for m = 4.
const (
	pointA = 0.625
	pointB = 1.5
)

// Weights of the filter at the points of m = 4: filterAt in ../winogradtile.go.
const (
	atA = 1 / (2 * pointA * pointA * (pointA*pointA - pointB*pointB))
	atB = 1 / (2 * pointB * pointB * (pointB*pointB - pointA*pointA))
)

// constants of the transforms; those of pixels and of products are exact.
var constants = map[string]float64{
	"a": pointA, "a2": pointA * pointA, "a3": pointA * pointA * pointA,
	"b": pointB, "b2": pointB * pointB, "b3": pointB * pointB * pointB,
	"a2b2": pointA * pointA * pointB * pointB, "a2+b2": pointA*pointA + pointB*pointB,
	"-inf": math.Inf(-1), "half": 0.5, "at0": 1 / (pointA * pointA * pointB * pointB),
	"atA": atA, "aAtA": pointA * atA, "a2AtA": pointA * pointA * atA,
	"atB": atB, "bAtB": pointB * atB, "b2AtB": pointB * pointB * atB,
}

// winograd writes the transforms of F(2×2, 3×3) and F(4×4, 3×3).
func winograd(w *writer, v *vector) {
	for _, m := range []int{2, 4} {
		t := minimal{writer: w, vector: v, m: m, n: m + 2}
		t.spread("Input", "pixels", t.n, t.inputLine, "a", "b", "a2", "b2", "a2b2", "a2+b2")
		t.collect("Output", "pixels", m, t.outputLine, "a", "b", "a2", "b2", "a3", "b3")
		t.spread("Gradient", "positions", m, t.gradientLine, "a", "b", "a2", "b2", "a3", "b3")
		t.collect("Weights", "weights", 3, t.weightsLine, "half", "at0", "atA", "aAtA", "a2AtA", "atB",
			"bAtB", "b2AtB")
		t.doubles = true
		t.spread("Filter", "weights", 3, t.filterLine, "half", "at0", "atA", "aAtA", "a2AtA", "atB",
			"bAtB", "b2AtB")
		t.doubles = false
	}
}

// Registers of the transforms.
var (
	wArgs, wOffsets, wPlanes, wPlane, wScratch = RAX, RBX, RDX, RSI, RDI
	wAt, wLeft, wPixels, wBase, wTile          = R8, R9, R10, R11, R12 // wAt: bytes of channels done
	wRow, wCol, wRes                           = R13, R14, R15
)

func (t *minimal) begin(name, doc string) {
	t.function(fmt.Sprintf("winograd%s%d%s", name, t.m, t.suffix), "func(args *winogradArgs)", doc)
	t.Load(t.Param("args"), wArgs)
	t.fetch("planes", wPlanes)
	t.fetch("plane", wPlane)
	t.fetch("scratch", wScratch)
	t.fetch("pixels", wTile)
}

func (t *minimal) fetch(name string, r GPPhysical) { t.MOVQ(t.arg(name), r) }

func (t *minimal) arg(name string) Mem { return t.fieldOf(wArgs, "winogradArgs", name) }

// hold keeps constants in the last registers where there are 32.
func (t *minimal) hold(names ...string) {
	t.held = map[string]VecPhysical{}
	if t.lanes < 16 {
		return
	}
	for i, name := range names {
		if (name == "half") != (t.m == 2) {
			continue
		}
		t.held[name] = t.regs[len(t.regs)-1-i]
		if t.doubles {
			t.VBROADCASTSD(t.copies(name), t.held[name])
		} else {
			t.VBROADCASTSS(t.copies(name), t.held[name])
		}
	}
}

// c is a constant in every lane.
func (t *minimal) c(name string) Op {
	if r, ok := t.held[name]; ok {
		return r
	}
	return t.copies(name)
}

// copies is copies of a constant in memory: eight, or four in float64.
func (t *minimal) copies(name string) Mem {
	if t.doubles {
		return t.writer.copies64(constants[name])
	}
	return t.writer.copies(float32(constants[name]))
}

// at is vector i of the scratch memory.
func (t *minimal) at(i int) Mem { return Mem{Base: wScratch, Disp: 4 * t.lanes * i} }

// step is the channels that are computed at once.
func (t *minimal) step() int {
	if t.doubles {
		return t.lanes / 2
	}
	return t.lanes
}

// channels closes the loop over channels, next the one over tiles.
func (t *minimal) channels() {
	t.ADDQ(I32(int32(4*t.step())), wAt)
	t.SUBQ(I32(int32(t.step())), wLeft)
	t.JG(LabelRef("channels"))
}

func (t *minimal) next() {
	t.ADDQ(t.arg("step"), wTile)
	t.ADDQ(t.arg("advance"), wPlanes)
	t.DECQ(t.arg("tiles"))
	t.JNZ(LabelRef("tile"))
	t.VZEROUPPER()
	t.RET()
}

// load reads channels.
func (t *minimal) load(m Mem, r VecPhysical) {
	if t.doubles {
		t.VCVTPS2PD(m, r)
		return
	}
	t.VMOVUPS(m, r)
}

// store writes channels, which it may round in place.
func (t *minimal) store(r VecPhysical, m Mem) {
	switch {
	case t.doubles && t.lanes == 16:
		t.VCVTPD2PS(r, r.AsY())
		t.VMOVUPS(r.AsY(), m)
	case t.doubles:
		t.VCVTPD2PSY(r, r.AsX())
		t.VMOVUPS(r.AsX(), m)
	default:
		t.VMOVUPS(r, m)
	}
}

// spread writes a transform of from×from elements to n×n planes, L·d·Lᵀ where y = L·d is what line does:
// columns first, into scratch memory, then rows.
func (t *minimal) spread(name, what string, from int, line func(d, y []VecPhysical), hold ...string) {
	t.begin(name, fmt.Sprintf("transforms %dx%d %s of each tile, as winograd%sGo does.", from,
		from, what, name))
	t.fetch("offsets", wOffsets)
	t.hold(hold...)
	d, y := t.regs[:from], t.regs[from:from+t.n]
	t.Label("tile")
	t.XORQ(wAt, wAt)
	t.fetch("count", wLeft)
	t.Label("channels")
	t.LEAQ(Mem{Base: wTile, Index: wAt, Scale: 1}, wPixels)
	for j := range from {
		for i := range from {
			t.MOVQ(Mem{Base: wOffsets, Disp: 8 * (from*i + j)}, wBase)
			t.load(Mem{Base: wPixels, Index: wBase, Scale: 1}, d[i])
		}
		line(d, y)
		for i := range t.n {
			t.VMOVUPS(y[i], t.at(from*i+j))
		}
	}
	t.LEAQ(Mem{Base: wPlanes, Index: wAt, Scale: 1}, wBase)
	for i := range t.n {
		for j := range from {
			t.VMOVUPS(t.at(from*i+j), d[j])
		}
		line(d, y)
		for j := range t.n {
			t.store(y[j], Mem{Base: wBase})
			t.ADDQ(wPlane, wBase)
		}
	}
	t.channels()
	t.next()
}

// collect makes to×to elements of n×n planes, L·M·Lᵀ where y = L·x is what line does, and their epilogue:
// rows first, into scratch memory, then columns.
func (t *minimal) collect(name, what string, to int, line func(x, y, free []VecPhysical), hold ...string) {
	t.begin(name, fmt.Sprintf("makes %dx%d %s of each tile, as winograd%sGo does.", to, to, what, name))
	t.fetch("row", wRow)
	t.fetch("col", wCol)
	t.fetch("res", wRes)
	t.hold(hold...)
	x, y, free := t.regs[:t.n], t.regs[t.n:t.n+to], t.regs[t.n+to:]
	bias, low := t.regs[2*t.n], t.regs[2*t.n+1]
	t.Label("tile")
	t.XORQ(wAt, wAt)
	t.fetch("count", wLeft)
	t.Label("channels")
	t.LEAQ(Mem{Base: wPlanes, Index: wAt, Scale: 1}, wBase)
	for i := range t.n {
		for j := range t.n {
			t.VMOVUPS(Mem{Base: wBase}, x[j])
			t.ADDQ(wPlane, wBase)
		}
		line(x, y, free)
		for j := range to {
			t.VMOVUPS(y[j], t.at(to*i+j))
		}
	}
	t.bounds(bias, low)
	t.LEAQ(Mem{Base: wTile, Index: wAt, Scale: 1}, wPixels)
	for j := range to {
		if j > 0 {
			t.CMPQ(t.arg("cols"), I8(j))
			t.JLE(LabelRef("stored"))
			t.ADDQ(wCol, wPixels)
		}
		for i := range t.n {
			t.VMOVUPS(t.at(to*i+j), x[i])
		}
		line(x, y, free)
		t.column(j, y, bias, low)
	}
	t.Label("stored")
	t.channels()
	t.next()
}

// bounds loads the channels' bias, or zero, and the least value of a result: zero behind a ReLU, or −∞.
func (t *minimal) bounds(bias, low VecPhysical) {
	t.zero(bias)
	t.TESTQ(t.constant("flagBias"), t.arg("flags"))
	t.JZ(LabelRef("nobias"))
	t.fetch("bias", wBase)
	t.VMOVUPS(Mem{Base: wBase, Index: wAt, Scale: 1}, bias)
	t.Label("nobias")
	t.zero(low)
	t.TESTQ(t.constant("flagReLU"), t.arg("flags"))
	t.JNZ(LabelRef("relu"))
	t.VBROADCASTSS(t.copies("-inf"), low)
	t.Label("relu")
}

// column finishes and stores column j of a tile at wPixels.
func (t *minimal) column(j int, y []VecPhysical, bias, low VecPhysical) {
	t.MOVQ(wPixels, wBase)
	end := fmt.Sprintf("column%d", j)
	for i := range y {
		if i > 0 {
			t.CMPQ(t.arg("rows"), I8(i))
			t.JLE(LabelRef(end))
			t.ADDQ(wRow, wBase)
		}
		plain := fmt.Sprintf("plain%d%d", j, i)
		t.VADDPS(bias, y[i], y[i])
		t.TESTQ(t.constant("flagRes"), t.arg("flags"))
		t.JZ(LabelRef(plain))
		t.VADDPS(Mem{Base: wBase, Index: wRes, Scale: 1}, y[i], y[i])
		t.Label(plain)
		t.VMAXPS(y[i], low, y[i]) // NaN stays NaN
		t.VMOVUPS(y[i], Mem{Base: wBase})
	}
	t.Label(end)
}
