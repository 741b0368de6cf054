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
	m, n int
	held map[string]VecPhysical // constants in registers, on AVX-512
}

// Points of interpolation: 0, ±1 and ∞ for m = 2; 0, ±a, ±b and ∞ for m = 4.
const (
	pointA = 0.625
	pointB = 1.5
)

// constants of the transforms; all are exact.
var constants = map[string]float64{
	"a": pointA, "a2": pointA * pointA, "a3": pointA * pointA * pointA,
	"b": pointB, "b2": pointB * pointB, "b3": pointB * pointB * pointB,
	"a2b2": pointA * pointA * pointB * pointB, "a2+b2": pointA*pointA + pointB*pointB,
	"-inf": math.Inf(-1),
}

// winograd writes the transforms of input and output of F(2×2, 3×3) and F(4×4, 3×3).
func winograd(w *writer, v *vector) {
	for _, m := range []int{2, 4} {
		t := minimal{writer: w, vector: v, m: m, n: m + 2}
		t.input()
		t.output()
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
	if t.lanes < 16 || t.m == 2 {
		return
	}
	for i, name := range names {
		t.held[name] = t.regs[len(t.regs)-1-i]
		t.VBROADCASTSS(t.copies(name), t.held[name])
	}
}

// c is a constant in every lane.
func (t *minimal) c(name string) Op {
	if r, ok := t.held[name]; ok {
		return r
	}
	return t.copies(name)
}

// copies is eight copies of a constant in memory.
func (t *minimal) copies(name string) Mem { return t.writer.copies(float32(constants[name])) }

// at is vector i of the scratch memory.
func (t *minimal) at(i int) Mem { return Mem{Base: wScratch, Disp: 4 * t.lanes * i} }

// channels closes the loop over channels, next the one over tiles.
func (t *minimal) channels() {
	t.ADDQ(I32(int32(4*t.lanes)), wAt)
	t.SUBQ(I32(int32(t.lanes)), wLeft)
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

// input writes the transform of pixels, V = Bᵀ·d·B: columns first, into scratch memory, then rows.
func (t *minimal) input() {
	t.begin("Input", fmt.Sprintf("transforms %dx%d pixels of each tile, as winogradInputGo does.", t.n, t.n))
	t.fetch("offsets", wOffsets)
	t.hold("a", "b", "a2", "b2", "a2b2", "a2+b2")
	d, y := t.regs[:t.n], t.regs[t.n:2*t.n]
	t.Label("tile")
	t.XORQ(wAt, wAt)
	t.fetch("count", wLeft)
	t.Label("channels")
	t.LEAQ(Mem{Base: wTile, Index: wAt, Scale: 1}, wPixels)
	for j := range t.n {
		for i := range t.n {
			t.MOVQ(Mem{Base: wOffsets, Disp: 8 * (t.n*i + j)}, wBase)
			t.VMOVUPS(Mem{Base: wPixels, Index: wBase, Scale: 1}, d[i])
		}
		t.inputLine(d, y)
		for i := range t.n {
			t.VMOVUPS(y[i], t.at(t.n*i+j))
		}
	}
	t.LEAQ(Mem{Base: wPlanes, Index: wAt, Scale: 1}, wBase)
	for i := range t.n {
		for j := range t.n {
			t.VMOVUPS(t.at(t.n*i+j), d[j])
		}
		t.inputLine(d, y)
		for j := range t.n {
			t.VMOVUPS(y[j], Mem{Base: wBase})
			t.ADDQ(wPlane, wBase)
		}
	}
	t.channels()
	t.next()
}

// inputLine is y = Bᵀ·d.
func (t *minimal) inputLine(d, y []VecPhysical) {
	if t.m == 2 {
		t.VSUBPS(d[2], d[0], y[0])
		t.VADDPS(d[2], d[1], y[1])
		t.VSUBPS(d[1], d[2], y[2])
		t.VSUBPS(d[3], d[1], y[3])
		return
	}
	ends := func(lo, mid, hi, to VecPhysical) { // a²b²·lo − (a²+b²)·mid + hi
		t.VMOVAPS(hi, to)
		t.VFMADD231PS(t.c("a2b2"), lo, to)
		t.VFNMADD231PS(t.c("a2+b2"), mid, to)
	}
	ends(d[0], d[2], d[4], y[0])
	ends(d[1], d[3], d[5], y[5])
	even, odd := y[3], y[4] // free until the end
	t.VMOVAPS(d[4], even)
	t.VFNMADD231PS(t.c("b2"), d[2], even)
	t.VMOVAPS(d[3], odd)
	t.VFNMADD231PS(t.c("b2"), d[1], odd)
	t.VMOVAPS(even, y[1])
	t.VFMADD231PS(t.c("a"), odd, y[1])
	t.VMOVAPS(even, y[2])
	t.VFNMADD231PS(t.c("a"), odd, y[2])
	even, odd = d[4], d[3]
	t.VFNMADD231PS(t.c("a2"), d[2], even)
	t.VFNMADD231PS(t.c("a2"), d[1], odd)
	t.VMOVAPS(even, y[3])
	t.VFMADD231PS(t.c("b"), odd, y[3])
	t.VMOVAPS(even, y[4])
	t.VFNMADD231PS(t.c("b"), odd, y[4])
}

// output writes the transform of products, Aᵀ·M·A, and the epilogue: rows first, into scratch memory, then
// columns.
func (t *minimal) output() {
	t.begin("Output", fmt.Sprintf("makes %dx%d pixels of each tile, as winogradOutputGo does.", t.m, t.m))
	t.fetch("row", wRow)
	t.fetch("col", wCol)
	t.fetch("res", wRes)
	t.hold("a", "b", "a2", "b2", "a3", "b3")
	x, y := t.regs[:t.n], t.regs[t.n:t.n+t.m]
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
		t.outputLine(x, y)
		for j := range t.m {
			t.VMOVUPS(y[j], t.at(t.m*i+j))
		}
	}
	t.bounds(bias, low)
	t.LEAQ(Mem{Base: wTile, Index: wAt, Scale: 1}, wPixels)
	for j := range t.m {
		if j > 0 {
			t.CMPQ(t.arg("cols"), I8(j))
			t.JLE(LabelRef("stored"))
			t.ADDQ(wCol, wPixels)
		}
		for i := range t.n {
			t.VMOVUPS(t.at(t.m*i+j), x[i])
		}
		t.outputLine(x, y)
		t.column(j, y[:t.m], bias, low)
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
	for i := range t.m {
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

// outputLine is y = Aᵀ·x.
func (t *minimal) outputLine(x, y []VecPhysical) {
	if t.m == 2 {
		t.VADDPS(x[1], x[0], y[0])
		t.VADDPS(x[2], y[0], y[0])
		t.VSUBPS(x[2], x[1], y[1])
		t.VSUBPS(x[3], y[1], y[1])
		return
	}
	free := t.regs[t.n+t.m:]
	s1, d1, s2, d2 := free[0], x[1], free[1], x[3]
	t.VADDPS(x[2], x[1], s1)
	t.VSUBPS(x[2], x[1], d1)
	t.VADDPS(x[4], x[3], s2)
	t.VSUBPS(x[4], x[3], d2)
	t.VADDPS(s1, x[0], y[0])
	t.VADDPS(s2, y[0], y[0])
	t.VMULPS(t.c("a"), d1, y[1])
	t.VFMADD231PS(t.c("b"), d2, y[1])
	t.VMULPS(t.c("a2"), s1, y[2])
	t.VFMADD231PS(t.c("b2"), s2, y[2])
	t.VMOVAPS(x[5], y[3])
	t.VFMADD231PS(t.c("a3"), d1, y[3])
	t.VFMADD231PS(t.c("b3"), d2, y[3])
}
