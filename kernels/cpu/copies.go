package cpu

import "unsafe"

// copies are what a runner copies of A and B for one pass, where their rows lie far apart: in place they
// would share few sets of the caches and each have a page of its own.
type copies struct {
	a, b     []float32 // [k][row of the chunk] and [k][column of the panel]
	stride   int       // of a
	segments []segment // of the pass, in the copies
}

// farApart is how many elements are from one k to the next in operands that are copied.
const farApart = 192

// copyA copies what pass k reads of A, for all rows of a chunk.
func (r *runner) copyA(p *plan, x *product, c *chunk, k int) {
	part, l := r.pieces[0], p.b.level
	r.copies.stride = roundUp(c.rows, l.lanes)
	r.copies.a = grow(r.copies.a, x.pass*r.copies.stride)
	at := 0
	for _, s := range p.segmentsOf(part.band, k) {
		from := &x.a[s.a/4+part.a0+c.row]
		l.gather(&r.copies.a[at*r.copies.stride], from, s.depth, c.rows, 4*r.copies.stride, 4*x.aStep)
		at += s.depth
	}
	for i := range r.aOff {
		r.aOff[i] = 4 * int64(i)
	}
}

// copyB copies what pass k reads of the panel at column n.
func (r *runner) copyB(p *plan, x *product, n, k int) {
	l := p.b.level
	r.copies.b = grow(r.copies.b, x.pass*l.width)
	at := 0
	for _, s := range p.segmentsOf(r.pieces[0].band, k) {
		l.gather(&r.copies.b[at*l.width], &x.b[s.b/4+n], s.depth, min(l.width, x.n-n), 4*l.width, 4*x.bStep)
		at += s.depth
	}
}

// useCopies makes the arguments of a pass those of the copies.
func (r *runner) useCopies(l *level, x *product, segments []segment) {
	list := r.copies.segments[:0]
	at := 0
	for _, s := range segments {
		n := len(list)
		if n > 0 && x.copyA && x.copyB && list[n-1].sum == sumOn {
			list[n-1].depth, list[n-1].sum = list[n-1].depth+s.depth, s.sum
			at += s.depth
			continue
		}
		if x.copyA {
			s.a = 4 * at * r.copies.stride
		}
		if x.copyB {
			s.b = 4 * at * l.width
		}
		list, at = append(list, s), at+s.depth
	}
	r.copies.segments = list
	r.args.segments, r.args.count = uintptr(unsafe.Pointer(unsafe.SliceData(list))), len(list)
	if x.copyA {
		r.args.a, r.args.aStep = address(r.copies.a, 0), 4*r.copies.stride
	}
	if x.copyB {
		r.args.b, r.args.bStep = address(r.copies.b, 0), 4*l.width
	}
}
