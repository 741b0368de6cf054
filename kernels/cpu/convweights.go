package cpu

// weights computes the gradient of the weights: dw[o][t] = Σ over positions of dy[·,o] · (tap t of the window
// there), into dw or added to it.
//
// It is a product whose depth are the positions. A chunk owns some columns of dw and, where there are few
// columns, a part of the positions; it packs the windows of one block of positions at a time, so that no
// matrix of all windows ever exists. Parts go to scratch and are added in their order.
func (b *Backend) weights(g geometry, x, dy, dw []float32, acc bool) {
	v := b.windows(g, x, narrowSum)
	defer b.release(v)
	perGroup, n := g.oc/g.groups, g.window()
	b.parallel(g.groups, 1, func(i, _ int) {
		d := dw[i*perGroup*n:][:perGroup*n]
		if g.positions() == 0 || v.taps == 0 {
			if !acc {
				clear(d)
			}
			return
		}
		s := weightSum{windows: v, m: perGroup, n: n, x: v.x[i*v.depth:], dy: dy[i*perGroup:]}
		s.run(b, d, acc)
	})
}

// weightSum is the gradient of the weights of one group, m × n.
type weightSum struct {
	windows
	m, n  int
	x, dy []float32
}

// Blocks of positions: sumDepth bounds the length of a float32 sum, sumWork the time in one kernel call.
// Below weightChunks chunks the positions are parted, by partPositions at least.
const (
	sumDepth      = 256
	sumWork       = 128 << 10
	weightChunks  = 8
	partPositions = 1024
)

func (s *weightSum) run(b *Backend, dw []float32, acc bool) {
	w := b.level.width
	panels := (s.n + w - 1) / w
	total := s.positions()
	parts := min((weightChunks+panels-1)/panels, (total+partPositions-1)/partPositions)
	step := (total + parts - 1) / parts
	var partial []float32
	if parts > 1 {
		partial = b.scratch.get(parts * len(dw))
		defer b.scratch.put(partial)
	}
	b.chunks(panels*parts, func(i int) {
		n0, part := i%panels*w, i/panels
		to, add := dw, acc
		if parts > 1 {
			to, add = partial[part*len(dw):][:len(dw)], false
		}
		s.panel(b, to, add, n0, min(total, part*step), min(total, (part+1)*step))
	})
	if parts > 1 {
		b.addParts(dw, partial, acc)
	}
}

// panel computes the columns from n0 over the positions from..to-1.
func (s *weightSum) panel(b *Backend, dw []float32, acc bool, n0, from, to int) {
	w := b.level.width
	cols := min(w, s.n-n0)
	block := max(64, min(sumDepth, sumWork/s.m))
	packed := b.scratch.get(block * w)
	defer b.scratch.put(packed)
	r := b.runners.get()
	defer b.runners.put(r)
	p := product{m: s.m, n: cols, taps: 1, aStep: s.oc, b: packed, c: dw[n0:]}
	p.place = func(lo, hi int, aOff, cOff []int64) {
		for i := range cOff {
			aOff[i], cOff[i] = 4*int64(lo+i), 4*int64((lo+i)*s.n)
		}
	}
	t0, t1 := n0/s.depth, (n0+cols-1)/s.depth+1
	for first := from; first < to; first += block {
		p.depth = min(block, to-first)
		r.aOff = grow(r.aOff, p.depth*(t1-t0))
		s.locate(first, first+p.depth, t0, t1, r.aOff)
		s.gather(packed, w, n0, cols, p.depth, r.aOff)

		p.a = s.dy[first*s.oc:]
		p.res = nil
		if acc || first > from {
			p.res = p.c
		}
		r.locate(&p, 0, s.m)
		r.pass(b.level, &p, pass{0, 1, 0, p.depth}, 0, true, true)
	}
}

// gather packs the columns n0..n0+cols-1 of the windows at n positions, located in off.
func (s *weightSum) gather(packed []float32, w, n0, cols, n int, off []int64) {
	for j := 0; j < cols; {
		tap := (n0 + j) / s.depth
		c := (n0 + j) % s.depth
		run := min(cols-j, s.depth-c)
		for i, at := range off[(tap-n0/s.depth)*n:][:n] {
			to := packed[i*w+j:][:run]
			if at < 0 {
				clear(to)
			} else {
				copy(to, s.x[int(at)/4+c:])
			}
		}
		j += run
	}
	if cols < w {
		for i := range n {
			clear(packed[i*w+cols : (i+1)*w])
		}
	}
}

// addParts adds equal parts, in their order, into sum.
func (b *Backend) addParts(sum, parts []float32, acc bool) {
	n := len(sum)
	b.parallel(n, copyGrain/16, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			var v float32
			for p := i; p < len(parts); p += n {
				v += parts[p]
			}
			if acc {
				v += sum[i]
			}
			sum[i] = v
		}
	})
}
