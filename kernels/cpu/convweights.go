package cpu

// weights computes the gradient of the weights: dw[o][t] = Σ over positions of dy[·,o] · (tap t of the window
// there), into dw or added to it.
//
// It is a product whose depth are the positions, read in place: along a row of positions, dy and the picture
// advance by fixed steps, and so do rows. The picture is copied where it must be padded.
func (b *Backend) weights(g geometry, x, dy, dw []float32, acc bool) {
	perGroup, n := g.oc/g.groups, g.window()
	if g.positions() == 0 || g.pixels() == 0 {
		if !acc {
			clear(dw)
		}
		return
	}
	s := weightSum{geometry: g, x: x, m: perGroup, n: n, run: g.c / g.groups}
	if g.DilW == 1 && g.groups == 1 {
		s.run *= g.KW
	}
	if g.PadH > 0 || g.PadW > 0 || s.run%wholeColumns != 0 {
		s.x = b.pad(g, x, g.PadH, g.PadW)
		defer b.scratch.put(s.x)
		s.h, s.w = g.h+2*g.PadH, g.w+2*g.PadW
	}
	if g.KH == 1 && g.KW == 1 && g.StrideH == 1 && g.StrideW == 1 && s.h == g.oh && s.w == g.ow {
		s.b, s.oh, s.ow = 1, 1, g.positions() // the positions are one row
	}
	s.depth = min(max(minBlock, sumWork/perGroup), sumDepth)
	b.parallel(g.groups, 1, func(i, _ int) {
		one := s
		one.x, one.dy = s.x[i*(g.c/g.groups):], dy[i*perGroup:]
		one.all(b, dw[i*perGroup*n:][:perGroup*n], acc)
	})
}

// Blocks of positions: sumDepth bounds the length of a float32 sum, sumWork the time in one kernel call.
// Below weightChunks chunks the blocks are parted, by partPositions at least. Kernels read wholeColumns of B
// at once.
const (
	sumDepth      = 256
	minBlock      = 64
	sumWork       = 128 << 10
	weightChunks  = 12
	partPositions = 512
	wholeColumns  = 16
)

// weightSum is the gradient of the weights of one group, m × n. Its windows consist of runs of contiguous
// elements: whole rows, or pixels if these are dilated or in groups.
type weightSum struct {
	geometry
	m, n, run, depth int
	x, dy            []float32
}

// strip is some columns of dw, at most a panel of them, and where they begin in the first window of the
// picture.
type strip struct{ column, cols, from int }

func (s *weightSum) strips(width int) (out []strip) {
	for e := 0; e < s.n; e += s.run {
		pixel := e / (s.c / s.groups)
		from := (pixel/s.KW*s.DilH*s.w + pixel%s.KW*s.DilW) * s.c
		for c := 0; c < s.run; c += width {
			out = append(out, strip{e + c, min(width, s.run-c), from + c})
		}
	}
	return out
}

// block is positions that one kernel call adds up: rows of them, or one part of a row.
type block struct{ position, rows, cols, from int }

// perRow is the blocks in a row of positions, or 1 if a block has rows of them.
func (s *weightSum) perRow() int { return (s.ow + s.depth - 1) / s.depth }
func (s *weightSum) rows() int   { return min(s.oh, max(1, s.depth/s.ow)) }

func (s *weightSum) blocks() int { return s.b * ((s.oh + s.rows() - 1) / s.rows()) * s.perRow() }

func (s *weightSum) block(k int) block {
	perImage := s.blocks() / s.b
	image, i, j := k/perImage, k%perImage/s.perRow()*s.rows(), k%s.perRow()*s.depth
	return block{
		position: (image*s.oh+i)*s.ow + j,
		rows:     min(s.rows(), s.oh-i),
		cols:     min(s.depth, s.ow-j),
		from:     ((image*s.h+i*s.StrideH)*s.w + j*s.StrideW) * s.c,
	}
}

// all computes the gradient. A chunk is a strip and, where there are few strips, a part of the blocks; parts
// go to scratch and are added in their order.
func (s *weightSum) all(b *Backend, dw []float32, acc bool) {
	strips, blocks := s.strips(b.level.width), s.blocks()
	parts := min((weightChunks+len(strips)-1)/len(strips), max(1, s.positions()/partPositions), blocks)
	var partial []float32
	if parts > 1 {
		partial = b.scratch.get(parts * len(dw))
		defer b.scratch.put(partial)
	}
	b.chunks(len(strips)*parts, func(i int) {
		part, to, add := i/len(strips), dw, acc
		if parts > 1 {
			to, add = partial[part*len(dw):][:len(dw)], false
		}
		s.chunk(b, to, add, strips[i%len(strips)], part*blocks/parts, (part+1)*blocks/parts)
	})
	if parts > 1 {
		b.addParts(dw, partial, acc)
	}
}

// chunk computes the columns of a strip over the blocks from..to-1.
func (s *weightSum) chunk(b *Backend, dw []float32, acc bool, st strip, from, to int) {
	r := b.runners.get()
	defer b.runners.put(r)
	p := product{
		m: s.m, n: st.cols, taps: s.rows(), aStep: s.oc, c: dw[st.column:],
		bStep: s.StrideW * s.c, bTap: (s.StrideH*s.w - s.StrideW*s.ow) * s.c,
	}
	p.place = func(lo, hi int, aOff, cOff []int64) {
		for i := range cOff {
			cOff[i] = 4 * int64((lo+i)*s.n)
			for t := range p.taps {
				aOff[t*len(cOff)+i] = 4 * int64(t*s.ow*s.oc+lo+i)
			}
		}
	}
	r.locate(&p, 0, s.m)
	for k := from; k < to; k++ {
		at := s.block(k)
		p.a, p.b = s.dy[at.position*s.oc:], s.x[at.from+st.from:]
		if acc || k > from {
			p.res = p.c
		}
		r.pass(b.level, &p, pass{0, at.rows, 0, at.cols}, 0, true, true)
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
