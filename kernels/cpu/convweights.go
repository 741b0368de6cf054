package cpu

// weights computes the gradient of the weights: dw[o][t] = Σ over positions of dy[·,o] · (tap t of the window
// there), into dw or added to it.
//
// Each element of the window makes a product whose depth are the positions at which it lies in the picture:
// along a row of positions, dy and the picture advance by fixed steps. Both are read in place, or from copies
// for one pass of a chunk; or packed before, where chunks would copy them several times.
func (b *Backend) weights(g geometry, x, dy, dw []float32, acc bool) {
	if g.positions() == 0 || g.pixels() == 0 {
		if !acc {
			clear(dw)
		}
		return
	}
	if b.weighsDepthwise(&g) {
		b.weightsDepthwise(g, x, dy, dw, acc)
		return
	}
	s := weightSum{geometry: g, x: x, dy: dy}
	s.plan(b)
	defer b.scratch.put(s.leaseX)
	defer b.scratch.put(s.leaseDY)
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
	packed bool // x and dy are in panels of channels: [panel][pixel or position][width]
	width  int  // of a panel
	// scratch, if x is a padded copy, or both are packed
	leaseX, leaseDY []float32
}

// Kernels read wholeColumns of B at once. A pass takes at most passPositions: a panel of them stays in the
// first cache. A part of the positions is at least partPositions, and the parts of a sum have at most
// partFloats together. A chunk computes bigSide rows and columns, or smallSide if chunks were less than
// fewSums. Packed operands are read in passes of packedPass.
const (
	wholeColumns       = 16
	passPositions      = 128
	packedPass         = 512
	partPositions      = 512
	partFloats         = 1 << 20
	fewSums            = 16
	bigSide, smallSide = 256, 128
)

// plan chooses how the sum is computed. The elements of a row of the window are contiguous, and then columns
// of one product, if no window hangs over the edge there: a copy sees to that where the channels are no
// multiple of whole vectors.
func (s *weightSum) plan(b *Backend) {
	g := s.geometry
	s.n, s.width = g.c/g.groups, b.level.width
	choose, whole := &b.choices, g.groups == 1
	if s.packed = whole && choose.packed.or(g.KH*g.KW > 1 && s.copies() >= 3*(g.c+g.oc)/2); s.packed {
		s.pack(b)
	} else if whole && g.KW > 1 && g.DilW == 1 && choose.joined.or(s.n%wholeColumns != 0 || g.PadW == 0) {
		s.n *= g.KW
		s.w, s.PadW, s.KW = g.w+2*g.PadW, 0, 1
	}
	if s.w != g.w {
		s.leaseX = b.padded(g, s.x, g.PadW)
		s.x = s.leaseX
	}
	m, elements := s.oc/s.groups, s.groups*s.KH*s.KW
	s.turned = whole && choose.turned.or(s.n*cyclesOf(m) < m*cyclesOf(s.n))
	s.side = bigSide
	chunks := elements * ceil(m, bigSide) * ceil(s.n, bigSide)
	s.parts = max(1, min(ceil(fewSums, chunks), s.positions()/partPositions, partFloats/(elements*m*s.n)))
	if chunks*s.parts < fewSums {
		s.side = smallSide
	}
}

// copies is how many channels chunks of bigSide copy of every position, if operands are not packed.
func (s *weightSum) copies() (n int) {
	elements := s.KH * s.KW
	if s.oc >= farApart {
		n += elements * s.oc * ceil(s.c, bigSide)
	}
	if s.c >= farApart {
		n += elements * s.c * ceil(s.oc, bigSide)
	}
	return n
}

// pack packs x and dy.
func (s *weightSum) pack(b *Backend) {
	inX, inDY := s.panelOf(s.pixels()), s.panelOf(s.positions())
	s.leaseX = b.scratch.get(ceil(s.c, s.width) * inX)
	s.leaseDY = b.scratch.get(ceil(s.oc, s.width) * inDY)
	b.packPixels(s.leaseX, s.x, s.pixels(), s.c, inX)
	b.packPixels(s.leaseDY, s.dy, s.positions(), s.oc, inDY)
	s.x, s.dy = s.leaseX, s.leaseDY
}

// pixelsOfChunk is the pixels that a chunk packs.
const pixelsOfChunk = 64

// packPixels packs n pixels of some channels into panels of channels, panel elements apart.
func (b *Backend) packPixels(to, x []float32, n, channels, panel int) {
	l := b.level
	whole := channels / l.width
	rest := channels % l.width
	b.parallel(n, pixelsOfChunk, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			if whole > 0 {
				l.gather(&to[i*l.width], &x[i*channels], whole, l.width, 4*panel, 4*l.width)
			}
			if rest > 0 {
				l.gather(&to[whole*panel+i*l.width], &x[(i+1)*channels-rest], 1, rest, 0, 0)
			}
		}
	})
}

// panelOf is the elements from panel to panel of n pixels: no multiple of a page, since the panels of one
// pixel would share few sets of the cache.
func (s *weightSum) panelOf(n int) int { return (n + 1 - n%2) * s.width }

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
	sp := s.meetings(e, f, part)
	perGroup, window := s.oc/s.groups, s.KH*s.KW*s.n
	dw = dw[part*s.oc*window:]
	a, b := s.operands(group*perGroup, group*(s.c/s.groups))
	m, n, row, c := perGroup, s.n, window, dw[(group*perGroup*s.KH*s.KW+e*s.KW+f)*s.n:]
	if s.turned {
		a, b, m, n, row, c = b, a, s.n, s.oc, s.oc, dw[(e*s.KW+f)*s.n*s.oc:]
	}
	one := product{n: n, k: sp.k(), a: a.x, aStep: a.step, b: b.x, bStep: b.step, panel: b.panel, c: c}
	if acc {
		one.res = one.c
	}
	depth := packedPass
	if !s.packed {
		depth = passPositions
		copied := p.b.choices.copied
		one.copyA = copied.or(a.step >= farApart)
		one.copyB = copied.or(b.step >= farApart) || n%wholeColumns != 0
	}
	one.pass = max(1, ceil(one.k, max(1, ceil(one.k, depth))))
	p.product(one)
	if !s.packed {
		p.band(line(m, 1, row))
		s.positionsOf(p, sp)
		return
	}
	panels, rest := m/s.width, m%s.width
	if panels > 0 {
		p.band(walk{count: [3]int{1, panels, s.width},
			a: [3]int{0, a.panel, 1}, c: [3]int{0, row * s.width, row}})
		s.positionsOf(p, sp)
	}
	if rest > 0 {
		w := line(rest, 1, row)
		w.a0, w.c0 = panels*a.panel, panels*s.width*row
		p.band(w)
		s.positionsOf(p, sp)
	}
}

// operand is x or dy: elements from k to k, and from panel to panel where it is packed.
type operand struct {
	x           []float32
	step, panel int
}

// operands are dy and x of a group.
func (s *weightSum) operands(inDY, inX int) (dy, x operand) {
	if s.packed {
		return operand{s.dy, s.width, s.panelOf(s.positions())},
			operand{s.x, s.StrideW * s.width, s.panelOf(s.pixels())}
	}
	return operand{s.dy[inDY:], s.oc, 0}, operand{s.x[inX:], s.StrideW * s.c, 0}
}

// meetings are the positions of a part at which an element (e,f) of the window lies in the picture: in the
// lines from..to-1 of all pictures, cols of each.
type meetings struct {
	e, f, from, to int
	rows, cols     stretch
}

func (s *weightSum) meetings(e, f, part int) meetings {
	rows, cols := met(e, s.oh, s.h, s.StrideH, s.PadH, s.DilH), met(f, s.ow, s.w, s.StrideW, s.PadW, s.DilW)
	lines := s.b * (rows.to - rows.from)
	return meetings{e, f, part * lines / s.parts, (part + 1) * lines / s.parts, rows, cols}
}

// k is the number of positions.
func (sp *meetings) k() int { return (sp.to - sp.from) * (sp.cols.to - sp.cols.from) }

// positionsOf adds the positions of a part to the last band, all at once where one line begins where another
// ends.
func (s *weightSum) positionsOf(p *plan, sp meetings) {
	wide, step := sp.cols.to-sp.cols.from, 1
	// A window of one row, whose elements are columns of one product, has a KW of 1, too, but longer lines.
	if s.KH*s.KW*s.StrideH*s.StrideW == 1 && s.PadH+s.PadW == 0 && s.w == s.ow {
		step = sp.to - sp.from
	}
	for l := sp.from; l < sp.to; l += step {
		image, i := l/(sp.rows.to-sp.rows.from), sp.rows.from+l%(sp.rows.to-sp.rows.from)
		y, x := i*s.StrideH-s.PadH+sp.e*s.DilH, sp.cols.from*s.StrideW-s.PadW+sp.f*s.DilW
		inDY, inX := (image*s.oh+i)*s.ow+sp.cols.from, (image*s.h+y)*s.w+x
		if s.packed {
			inDY, inX = inDY*s.width, inX*s.width
		} else {
			inDY, inX = inDY*s.oc, inX*s.c
		}
		if s.turned {
			inDY, inX = inX, inDY
		}
		p.add(inDY, inX, (l-sp.from)*wide, step*wide)
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
