package cpu

// weights computes the gradient of the weights: dw[o][t] = Σ over positions of dy[·,o] · (tap t of the window
// there), into dw or added to it.
//
// Each element of the window makes a product whose depth are the positions at which it lies in the picture,
// read in place: along a row of positions, dy and the picture advance by fixed steps.
func (b *Backend) weights(g geometry, x, dy, dw []float32, acc bool) {
	if g.positions() == 0 || g.pixels() == 0 {
		if !acc {
			clear(dw)
		}
		return
	}
	s := weightSum{geometry: g, x: x, dy: dy}
	s.plan(b)
	defer b.scratch.put(s.lease)
	if s.parts == 1 && !s.turned {
		s.compute(b, dw, acc)
		return
	}
	partial := b.scratch.get(s.parts * len(dw))
	defer b.scratch.put(partial)
	s.compute(b, partial, false)
	if s.turned {
		b.addTurned(dw, partial, s.oc, acc)
	} else {
		b.addParts(dw, partial, acc)
	}
}

// weightSum is the gradient of the weights in parts of the positions, which are to be added up. Its products
// have the output channels as rows and the n columns of an element of the window as columns; or turned, which
// wastes less where these are few.
type weightSum struct {
	geometry
	x, dy  []float32
	n      int
	parts  int
	side   int // rows and columns of a chunk
	turned bool
	lease  []float32 // scratch, if x is a padded copy
}

// Kernels read wholeColumns of B at once. A pass takes at most passPositions, whose copies are to stay in L2.
// A part of the positions is at least partPositions, and the parts of a sum have at most partFloats together.
// A chunk computes bigSide rows and columns, or smallSide if chunks were less than fewSums.
const (
	wholeColumns       = 16
	passPositions      = 256
	partPositions      = 512
	partFloats         = 1 << 20
	fewSums            = 20
	bigSide, smallSide = 256, 128
)

// plan chooses how the sum is computed. The elements of a row of the window are contiguous, and then columns
// of one product, if no window hangs over the edge there: a copy sees to that where the channels are no
// multiple of whole vectors.
func (s *weightSum) plan(b *Backend) {
	g := s.geometry
	s.n = g.c / g.groups
	if g.KW > 1 && g.DilW == 1 && g.groups == 1 && (s.n%wholeColumns != 0 || g.PadW == 0) {
		s.n *= g.KW
		s.w, s.PadW, s.KW = g.w+2*g.PadW, 0, 1
	}
	if s.w != g.w {
		s.lease = b.padded(g, s.x, g.PadW)
		s.x = s.lease
	}
	m, elements := s.oc/s.groups, s.groups*s.KH*s.KW
	s.turned = g.groups == 1 && s.n*cyclesOf(m) < m*cyclesOf(s.n)
	s.side = bigSide
	chunks := elements * ceil(m, bigSide) * ceil(s.n, bigSide)
	s.parts = max(1, min(ceil(fewSums, chunks), s.positions()/partPositions, partFloats/(elements*m*s.n)))
	if chunks*s.parts < fewSums {
		s.side = smallSide
	}
}

// cyclesOf is about how long six rows times n columns take for every k, in quarters of a cycle: narrow tiles
// wait for loads.
func cyclesOf(n int) int {
	return n/maxWidth*48 + [...]int{0, 15, 26, 37, 48}[(n%maxWidth+wholeColumns-1)/wholeColumns]
}

// compute puts the parts, each as large as the weights, into dw.
func (s *weightSum) compute(b *Backend, dw []float32, acc bool) {
	p := b.plan()
	p.side = s.side
	for part := range s.parts {
		for t := range s.groups * s.KH * s.KW {
			s.element(p, t/(s.KH*s.KW), t/s.KW%s.KH, t%s.KW, part, dw, acc)
		}
	}
	p.execute(nil)
}

// element adds the product of element (e,f) of the window of a group, over a part of the pictures' rows.
func (s *weightSum) element(p *plan, group, e, f, part int, dw []float32, acc bool) {
	perGroup, window := s.oc/s.groups, s.KH*s.KW*s.n
	rows, cols := met(e, s.oh, s.h, s.StrideH, s.PadH, s.DilH), met(f, s.ow, s.w, s.StrideW, s.PadW, s.DilW)
	lines, wide := s.b*(rows.to-rows.from), cols.to-cols.from
	from, to := part*lines/s.parts, (part+1)*lines/s.parts
	dw = dw[part*s.oc*window:]
	k := (to - from) * wide
	passes := max(1, ceil(k, passPositions))
	one := product{n: s.n, k: k, pass: max(1, ceil(k, passes)), a: s.dy, aStep: s.oc,
		b: s.x, bStep: s.StrideW * s.c, c: dw[(group*perGroup*s.KH*s.KW+e*s.KW+f)*s.n:]}
	w := line(perGroup, 1, window)
	w.a0 = group * perGroup
	if s.turned {
		one.n, one.a, one.aStep, one.b, one.bStep = s.oc, one.b, one.bStep, one.a, one.aStep
		one.c, w = dw[(e*s.KW+f)*s.n*s.oc:], line(s.n, 1, s.oc)
	}
	if acc {
		one.res = one.c
	}
	one.copyA, one.copyB = one.aStep >= farApart, one.bStep >= farApart || one.n%wholeColumns != 0
	p.product(one)
	p.band(w)
	for l := from; l < to; l++ {
		image, i := l/(rows.to-rows.from), rows.from+l%(rows.to-rows.from)
		y, x := i*s.StrideH-s.PadH+e*s.DilH, cols.from*s.StrideW-s.PadW+f*s.DilW
		inDY := ((image*s.oh+i)*s.ow + cols.from) * s.oc
		inX := ((image*s.h+y)*s.w+x)*s.c + group*(s.c/s.groups)
		if s.turned {
			inDY, inX = inX, inDY
		}
		p.add(inDY, inX, (l-from)*wide, wide)
	}
}

// met is the positions from..to-1 along an axis at which element e of the window lies in the picture.
func met(e, n, size, stride, pad, dil int) (s stretch) {
	at := e*dil - pad // of position 0
	if at < size {
		s.from, s.to = max(0, (stride-1-at)/stride), min(n, (size-1-at)/stride+1)
	}
	s.to = max(s.to, s.from)
	return s
}

// padded is a copy of x with columns of zeros at both ends of every row.
func (b *Backend) padded(g geometry, x []float32, columns int) []float32 {
	side, row := columns*g.c, g.w*g.c
	out := b.scratch.get(g.b * g.h * (row + 2*side))
	b.parallel(g.b*g.h, max(1, copyGrain/8/(row+2*side)), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			to := out[r*(row+2*side):][:row+2*side]
			clear(to[:side])
			copy(to[side:], x[r*row:][:row])
			clear(to[side+row:])
		}
	})
	return out
}

// addParts adds equal parts, in their order, into sum.
func (b *Backend) addParts(sum, parts []float32, acc bool) {
	n := len(sum)
	b.parallel(n, addBlock, func(lo, hi int) {
		to, p := sum[lo:hi], 0
		if !acc {
			copy(to, parts[lo:hi])
			p = n
		}
		for ; p < len(parts); p += n {
			b.level.stream.add(to, to, parts[p+lo:][:hi-lo], 0)
		}
	})
}

// addTurned is addParts where the parts have the rows of sum as their columns.
func (b *Backend) addTurned(sum, parts []float32, rows int, acc bool) {
	all := parts[:len(sum)]
	b.addParts(all, parts[len(sum):], true)
	n := len(sum) / rows
	b.parallel(rows, max(1, addBlock/n), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row := sum[r*n:][:n]
			for i := range row {
				v := all[i*rows+r]
				if acc {
					v += row[i]
				}
				row[i] = v
			}
		}
	})
}
