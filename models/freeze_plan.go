package models

import (
	"cmp"
	"slices"

	"truegrain/kernels"
)

// program is a graph whose values have places in one block of memory.
type program struct {
	ops    []kernels.Op
	layers []int   // of each op
	values []value // by address
	x, y   kernels.Buf
	size   int // of the block, in elements
}

// value is a run of addresses that one or more overlapping buffers use, and the steps between which it lives.
type value struct {
	lo, hi      uintptr
	first, last int
	at          int // its place, in elements
}

// align is the distance of values, in elements: a cache line of float32.
const align = 16

// plan gives every value a place: the largest first, each at the lowest place that is free as long as it
// lives (the greedy-by-size rule of Pisarchyk & Lee, "Efficient memory management for deep neural net
// inference", 2020).
func (g *graph) plan() program {
	p := program{values: g.lifetimes(), x: g.x, y: g.y}
	for _, s := range g.steps {
		p.ops, p.layers = append(p.ops, s.op), append(p.layers, s.layer)
	}
	order := make([]*value, len(p.values))
	for i := range p.values {
		order[i] = &p.values[i]
	}
	slices.SortStableFunc(order, func(a, b *value) int { return cmp.Compare(b.hi-b.lo, a.hi-a.lo) })
	each := uintptr(g.x.DType().Size())
	for i, v := range order {
		placed := slices.DeleteFunc(slices.Clone(order[:i]), func(o *value) bool {
			return o.last < v.first || v.last < o.first
		})
		slices.SortFunc(placed, func(a, b *value) int { return cmp.Compare(a.at, b.at) })
		n := v.length(each)
		for _, o := range placed {
			if v.at+n <= o.at {
				break
			}
			v.at = max(v.at, o.at+o.length(each))
		}
		p.size = max(p.size, v.at+n)
	}
	return p
}

func (v *value) length(each uintptr) int {
	n := int((v.hi - v.lo + each - 1) / each)
	return (n + align - 1) / align * align
}

// lifetimes finds the values and when they live. The input lives from before the first step, the result to
// after the last.
func (g *graph) lifetimes() []value {
	var all []value
	touch := func(b kernels.Buf, step int) {
		all = append(all, value{lo: b.Addr(), hi: b.Addr() + uintptr(b.Bytes()), first: step, last: step})
	}
	touch(g.x, -1)
	for i, s := range g.steps {
		for _, b := range g.operands(s.op) {
			touch(b, i)
		}
	}
	touch(g.y, len(g.steps))
	slices.SortFunc(all, func(a, b value) int { return cmp.Compare(a.lo, b.lo) })
	merged := all[:1]
	for _, v := range all[1:] {
		if m := &merged[len(merged)-1]; v.lo < m.hi {
			m.hi, m.first, m.last = max(m.hi, v.hi), min(m.first, v.first), max(m.last, v.last)
		} else {
			merged = append(merged, v)
		}
	}
	return merged
}

// find is the value that a buffer is, or is a part of.
func find(values []value, b kernels.Buf) (value, bool) {
	i, ok := slices.BinarySearchFunc(values, b.Addr(), func(v value, a uintptr) int {
		switch {
		case v.hi <= a:
			return -1
		case v.lo > a:
			return 1
		}
		return 0
	})
	if !ok {
		return value{}, false
	}
	return values[i], true
}

// instance is the program over a block of memory.
func (p *program) instance(arena kernels.Buf) *instance {
	place := func(b kernels.Buf) kernels.Buf {
		v, ok := find(p.values, b)
		switch {
		case b.OnDevice() && b.Len() == 0:
			return arena.Slice(0, 0)
		case b.IsZero() || !ok:
			return b // absent, or a weight
		}
		from := v.at*arena.DType().Size() + int(b.Addr()-v.lo)
		if b.DType() != arena.DType() { // of a device, whose memory holds any type
			return kernels.OfDevice(b.DType(), b.Len(), arena.Addr()+uintptr(from))
		}
		from /= arena.DType().Size()
		return arena.Slice(from, from+b.Len())
	}
	n := &instance{arena: arena, x: place(p.x), y: place(p.y)}
	for _, op := range p.ops {
		n.ops = append(n.ops, mapBufs(op, place))
	}
	return n
}
