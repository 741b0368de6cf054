package models

import (
	"math/bits"

	"truegrain/kernels"
)

// cached is how many bytes of values stay in the caches beside the weights.
const cached = 8 << 20

// group says how many pictures of a batch each step takes at once, and sets its op to that. Where all that
// lives during a step exceeds limit bytes it takes fewer, down to one, and so do all steps before it: the
// first steps of a batch are run picture by picture, so that what one step makes is still in the cache when
// the next one reads it. The number divides that of the next step. A step that does not part by pictures
// takes all of them.
func (g *graph) group(batch, limit int) {
	g.values = g.lifetimes()
	parts := len(g.steps)
	for i, s := range g.steps {
		if _, ok := g.some(s.op, batch, min(1, batch)); !ok {
			parts = i
			break
		}
	}
	most := batch
	for i := len(g.steps) - 1; i >= 0; i-- {
		s := &g.steps[i]
		if i < parts {
			most = g.fitting(i, batch, most, limit)
			s.op, _ = g.some(s.op, batch, most)
		}
		s.images = most
	}
}

// fitting is the largest divisor of most with which the values of step i stay below the limit, at least 1.
func (g *graph) fitting(i, batch, most, limit int) int {
	live := 0
	for _, v := range g.values {
		if v.first <= i && i <= v.last {
			live += int(v.hi-v.lo) / max(1, batch)
		}
	}
	n := most
	for n > 1 && (most%n != 0 || live*n > limit) {
		n--
	}
	return n
}

// some is an op on the first n pictures of a batch; false if it does not part by pictures.
func (g *graph) some(op kernels.Op, batch, n int) (kernels.Op, bool) {
	if batch == n {
		return op, true
	}
	op, ok := fewer(op, batch, n)
	if !ok {
		return op, false
	}
	op = mapBufs(op, func(b kernels.Buf) kernels.Buf {
		if b.IsZero() || g.fixed[b.Addr()] {
			return b
		}
		v, found := find(g.values, b)
		if !found || v.lo != b.Addr() || v.hi != v.lo+uintptr(b.Bytes()) || b.Len()%batch != 0 {
			ok = false
			return b
		}
		return b.Slice(0, b.Len()/batch*n)
	})
	return op, ok
}

// fewer sets the sizes of an op to n pictures in place of batch; false for an op that does not take them one
// by one.
func fewer(op kernels.Op, batch, n int) (kernels.Op, bool) {
	ok := true
	part := func(size *int) {
		ok = ok && *size%batch == 0
		*size = *size / batch * n
	}
	switch o := op.(type) {
	case kernels.Conv2D:
		part(&o.B)
		op = o
	case kernels.ConvTranspose2D:
		part(&o.B)
		op = o
	case kernels.MaxPool2D:
		part(&o.B)
		op = o
	case kernels.AdaptiveAvgPool2D:
		part(&o.B)
		op = o
	case kernels.Resize:
		part(&o.B)
		op = o
	case kernels.Pad:
		part(&o.B)
		op = o
	case kernels.Slice:
		part(&o.Outer)
		op = o
	case kernels.Linear:
		part(&o.R)
		op = o
	case kernels.ReLU:
		part(&o.N)
		op = o
	case kernels.Add:
		part(&o.N)
		op = o
	default:
		return op, false
	}
	return op, ok
}

// stage is steps from..to-1, which take as many pictures at once.
type stage struct{ from, to, images int }

// expansion writes a graph out, picture by picture. Values get addresses of their own: one that only its
// stage uses for every run of it, any other for every run of the last stage that does.
type expansion struct {
	*graph
	batch  int
	stages []stage
	homes  map[home]uintptr
	next   uintptr
	out    []step
}

// home is the value of some pictures.
type home struct {
	value uintptr // its address in the graph
	run   int
}

// expand replaces the steps by those of a whole batch, in their order: before a stage runs on some pictures,
// the stage before has run on these.
func (g *graph) expand(batch int) {
	e := &expansion{graph: g, batch: batch, homes: map[home]uintptr{},
		next: 3 << (bits.UintSize - 4)} // beyond a dry pool's addresses and hollow parameters'
	for i, s := range g.steps {
		if last := len(e.stages) - 1; last >= 0 && e.stages[last].images == s.images {
			e.stages[last].to++
		} else {
			e.stages = append(e.stages, stage{i, i + 1, s.images})
		}
	}
	e.stages = append(e.stages, stage{len(g.steps), len(g.steps), batch})
	e.run(len(e.stages)-1, 0)
	g.x, g.y = e.place(g.x, 0), e.place(g.y, 0)
	g.steps = e.out
}

// run writes stage k for the pictures from first on, behind the stages before.
func (e *expansion) run(k, first int) {
	s := e.stages[k]
	if k > 0 && e.stages[k-1].images > 0 {
		for i := first; i < first+s.images; i += e.stages[k-1].images {
			e.run(k-1, i)
		}
	}
	for i, step := range e.steps[s.from:s.to] {
		place := func(b kernels.Buf) kernels.Buf { return e.place(b, first) }
		step.op, step.out, step.layer = mapBufs(step.op, place), place(step.out), s.from+i
		e.out = append(e.out, step)
	}
}

// place is where a buffer of the graph lies for the pictures from first on.
func (e *expansion) place(b kernels.Buf, first int) kernels.Buf {
	v, ok := find(e.values, b)
	if b.IsZero() || e.fixed[b.Addr()] || !ok {
		return b
	}
	in := len(e.stages) - 1
	for in > 0 && v.first >= 0 && v.last < e.stages[in].from {
		in--
	}
	images := max(1, e.stages[in].images)
	h := home{v.lo, first / images}
	each := (v.hi - v.lo) / uintptr(max(1, e.batch))
	if e.homes[h] == 0 {
		e.homes[h] = e.next
		e.next += v.hi - v.lo + 64
	}
	at := e.homes[h] + uintptr(first%images)*each + (b.Addr() - v.lo)
	return kernels.OfDevice(b.DType(), b.Len(), at)
}
