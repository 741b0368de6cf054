package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The constants of Philox4x32, see kernels.Philox, as the bits of float32.
var (
	philoxM0 = math.Float32frombits(0xD2511F53)
	philoxM1 = math.Float32frombits(0xCD9E8D57)
	philoxW0 = math.Float32frombits(0x9E3779B9)
	philoxW1 = math.Float32frombits(0xBB67AE85)
)

const philoxRounds = 10

// dropout writes the product with a mask of random words. A register has one word of a block in the lower
// half of every 64 bits, since products of 32 bits have 64; what is in the upper halves never matters.
func dropout(w *writer, v *vector) {
	f := w.rowKernel(v, "dropout",
		"func(y, x *float32, n int, block uint64, key0, key1, node, step, least uint32, keep float32, flags int)",
		"writes y = x·keep where the random word over 256 is at least least, x·0 elsewhere;",
		"block is that of the first element; see dropoutGo.")
	d := &dropper{flow: f}
	if f.wide() {
		d.odd = f.K()
		t := f.GP32()
		f.MOVL(U32(0xaaaa), t)
		f.KMOVW(t, d.odd)
	}
	f.variants(ofGradient, d.drop)
}

// dropper makes the factors of dropout.
type dropper struct {
	*flow
	counter VecVirtual // blocks, 64 bits each
	odd     Register   // the mask of every second lane, in AVX-512
}

// drop writes the loops, over groups of two registers, the words of as many blocks as a register has 64 bits.
// A round is a chain of some seven cycles, and six groups are as many operations in step as fill them.
func (d *dropper) drop() {
	y, x, n, at := d.param("y"), d.param("x"), d.param("n"), d.GP64()
	d.XORQ(at, at)
	d.firstBlocks()
	group := 2 * d.lanes // elements
	for _, groups := range d.groups() {
		again, next := d.label("again"), d.label("next")
		d.Label(again)
		d.CMPQ(n, I32(int32(group*groups)))
		d.JLT(LabelRef(next))
		for i, factor := range d.factors(groups) {
			l := []lane{{at: at, k: i}}
			d.give(factor, d.fetchAhead(x, l)[0], y, l[0])
		}
		d.ADDQ(I32(int32(group*groups)), at)
		d.SUBQ(I32(int32(group*groups)), n)
		d.JMP(LabelRef(again))
		d.Label(next)
	}
	last := d.label("last")
	rest := d.factors(1)
	d.CMPQ(n, I32(int32(d.lanes)))
	d.JLT(LabelRef(last))
	d.give(rest[0], d.fetch(x, lane{at: at}), y, lane{at: at})
	d.VMOVAPS(rest[1], rest[0])
	d.ADDQ(I32(int32(d.lanes)), at)
	d.SUBQ(I32(int32(d.lanes)), n)
	d.Label(last)
	l := lane{at: at, mask: d.firstLanes(n)}
	d.give(rest[0], d.fetch(x, l), y, l)
}

// groups is how many are worked on at once, in a loop each: four registers of words a group.
func (d *dropper) groups() []int {
	if d.wide() {
		return []int{6, 2, 1}
	}
	return []int{2, 1}
}

// firstBlocks sets the counter to the blocks of the first group, in such an order that their words come out
// in order.
func (d *dropper) firstBlocks() {
	d.counter = d.reg()
	d.VPBROADCASTQ(d.argument("block"), d.counter)
	first := d.integers("first", func(q int) int { return q%2*d.lanes/4 + q/2 })
	d.VPADDQ(first, d.counter, d.counter)
}

// factors is keep, or 0, for the elements of some groups.
func (d *dropper) factors(groups int) (out []VecVirtual) {
	var c [4][]VecVirtual
	for i := range c {
		c[i] = d.regs(groups)
	}
	node, step := d.argument("node"), d.argument("step")
	more := d.integers("more", func(int) int { return d.lanes / 2 })
	d.steps(groups,
		func(i int) {
			d.VMOVAPS(d.counter, c[0][i])
			d.VPADDQ(more, d.counter, d.counter)
		},
		func(i int) { d.VPSRLQ(U8(32), c[0][i], c[1][i]) },
		func(i int) { d.VBROADCASTSS(node, c[2][i]) },
		func(i int) { d.VBROADCASTSS(step, c[3][i]) })
	d.rounds(&c)
	for i := range groups {
		d.pair(c[0][i], c[1][i])
		d.pair(c[2][i], c[3][i])
		low, high := d.reg(), d.reg()
		d.VPUNPCKLQDQ(c[2][i], c[0][i], low)
		d.VPUNPCKHQDQ(c[2][i], c[0][i], high)
		out = append(out, low, high)
	}
	least, keep := d.splat(d.argument("least")), d.splat(d.argument("keep"))
	d.steps(len(out),
		func(i int) { d.VPSRLD(U8(8), out[i], out[i]) },
		func(i int) { d.choose(out[i], least, keep) })
	return out
}

// rounds is Philox; the words of the last block replace the counters. Products replace the words that they
// are of, so that a round needs few others: six groups fill the registers.
func (d *dropper) rounds(c *[4][]VecVirtual) {
	key := []VecVirtual{d.splat(d.argument("key0")), d.splat(d.argument("key1"))}
	for round := range philoxRounds {
		if round > 0 {
			d.VPADDD(d.c(philoxW0), key[0], key[0])
			d.VPADDD(d.c(philoxW1), key[1], key[1])
		}
		m0 := d.c(philoxM0)
		d.steps(len(c[0]), func(i int) { d.VPMULUDQ(m0, c[0][i], c[0][i]) })
		m1 := d.c(philoxM1)
		d.steps(len(c[0]), func(i int) { d.VPMULUDQ(m1, c[2][i], c[2][i]) })
		d.addHigh(c[0], key[1], c[3])
		d.addHigh(c[2], key[0], c[1])
		c[0], c[1], c[2], c[3] = c[1], c[2], c[3], c[0]
	}
}

// addHigh is to ^= key ^ the upper words of p, three registers in step.
func (d *dropper) addHigh(p []VecVirtual, key VecVirtual, to []VecVirtual) {
	for at := 0; at < len(p); at += 3 {
		part := p[at:min(at+3, len(p))]
		high := d.regs(len(part))
		d.steps(len(part),
			func(i int) { d.VPSRLQ(U8(32), part[i], high[i]) },
			func(i int) { d.xor(high[i], key, to[at+i]) })
	}
}

// xor is r ^= a ^ b.
func (d *dropper) xor(a, b, r VecVirtual) {
	if d.wide() {
		d.VPTERNLOGD(U8(0x96), a, b, r)
		return
	}
	d.VPXOR(a, r, r)
	d.VPXOR(b, r, r)
}

// pair puts the words of high above those of low, in every 64 bits.
func (d *dropper) pair(low, high VecVirtual) {
	if d.wide() {
		d.VPSHUFD(U8(0xa0), high, d.odd, low)
		return
	}
	d.VPSLLQ(U8(32), high, high)
	d.VPBLENDD(U8(0xaa), high, low, low)
}

// choose replaces words by factors.
func (d *dropper) choose(r, least, keep VecVirtual) {
	const notLess = 5
	if d.wide() {
		k := d.K()
		d.VPCMPD(U8(notLess), least, r, k)
		d.VMOVAPS_Z(keep, k, r)
		return
	}
	d.VPCMPGTD(r, least, r)
	d.VANDNPS(keep, r, r)
}

// integers is a vector of 64 bit integers in memory.
func (f *flow) integers(name string, value func(q int) int) Mem {
	name = fmt.Sprint(name, f.lanes)
	m, ok := f.tables[name]
	if !ok {
		m = f.StaticGlobal(name)
		f.DataAttributes(attr.RODATA | attr.NOPTR)
		for q := range f.lanes / 2 {
			f.AddDatum(8*q, U64(value(q)))
		}
		f.tables[name] = m
	}
	return m
}
