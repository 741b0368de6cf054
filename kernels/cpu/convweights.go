package cpu

// weights computes the gradient of the weights: dw[o][t] = Σ over positions of dy[·,o] · (tap t of the window
// there), into dw or added to it.
//
// Each element of the window makes a product whose depth are the positions at which it lies in the picture,
// read in place: along a row of positions, dy and the picture advance by fixed steps. With few channels the
// elements of a window's row are taken together, over a copy of the picture that is padded there.
func (b *Backend) weights(g geometry, x, dy, dw []float32, acc bool) {
	if g.positions() == 0 || g.pixels() == 0 {
		if !acc {
			clear(dw)
		}
		return
	}
	s := weightSum{geometry: g, x: x, dy: dy, n: g.c / g.groups}
	if g.c < narrow && g.KW > 1 && g.DilW == 1 && g.groups == 1 {
		s.n *= g.KW
		s.w, s.PadW, s.KW = g.w+2*g.PadW, 0, 1
	}
	if s.n%wholeColumns != 0 || s.w != g.w {
		s.x = b.padded(g, x, (s.w-g.w)/2)
		defer b.scratch.put(s.x)
	}
	s.parts = s.partsOf(b.level.width)
	if s.parts == 1 {
		s.compute(b, dw, acc)
		return
	}
	partial := b.scratch.get(s.parts * len(dw))
	defer b.scratch.put(partial)
	s.compute(b, partial, false)
	b.addParts(dw, partial, acc)
}

// Few channels are less than narrow. Kernels read wholeColumns of B at once. A pass takes at most passPositions
// positions, since rows of B that lie a power of two apart share few places in L2. A part of the positions is
// at least partPositions.
const (
	narrow        = 16
	wholeColumns  = 16
	passPositions = 256
	partPositions = 512
)

// weightSum is the gradient of the weights, n columns for every element of the window, in parts of the
// positions that are to be added up.
type weightSum struct {
	geometry
	x, dy    []float32
	n, parts int
}

// partsOf is the number of parts that makes enough chunks.
func (s *weightSum) partsOf(width int) int {
	products := s.groups * s.KH * s.KW * ((s.n + width - 1) / width) * ((s.oc/s.groups + fewRows - 1) / fewRows)
	return min((manyChunks+products-1)/products, max(1, s.positions()/partPositions))
}

// compute puts the parts, each as large as the weights, into dw.
func (s *weightSum) compute(b *Backend, dw []float32, acc bool) {
	p := b.plan()
	for part := range s.parts {
		for t := range s.groups * s.KH * s.KW {
			s.element(p, t/(s.KH*s.KW), t/s.KW%s.KH, t%s.KW, part, dw, acc)
		}
	}
	p.execute()
}

// element adds the product of element (e,f) of the window of a group, over a part of the pictures' rows.
func (s *weightSum) element(p *plan, group, e, f, part int, dw []float32, acc bool) {
	channels, perGroup := s.c/s.groups, s.oc/s.groups
	rows, cols := met(e, s.oh, s.h, s.StrideH, s.PadH, s.DilH), met(f, s.ow, s.w, s.StrideW, s.PadW, s.DilW)
	lines := s.b * (rows.to - rows.from)
	from, to := part*lines/s.parts, (part+1)*lines/s.parts
	window := s.KH * s.KW * s.n
	one := product{n: s.n, k: (to - from) * (cols.to - cols.from), a: s.dy, aStep: s.oc,
		b: s.x, bStep: s.StrideW * s.c, pass: passPositions,
		c: dw[part*s.oc*window+(group*perGroup*s.KH*s.KW+e*s.KW+f)*s.n:]}
	if acc {
		one.res = one.c
	}
	p.product(one)
	w := line(perGroup, 1, window)
	w.a0 = group * perGroup
	p.band(w)
	k := 0
	for l := from; l < to; l++ {
		image, i := l/(rows.to-rows.from), rows.from+l%(rows.to-rows.from)
		y, x := i*s.StrideH-s.PadH+e*s.DilH, cols.from*s.StrideW-s.PadW+f*s.DilW
		p.add(((image*s.oh+i)*s.ow+cols.from)*s.oc, ((image*s.h+y)*s.w+x)*s.c+group*channels, k, cols.to-cols.from)
		k += cols.to - cols.from
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

// padded is a copy of x with columns of zeros at both ends of every row, and enough behind it for a kernel
// that reads whole vectors.
func (b *Backend) padded(g geometry, x []float32, columns int) []float32 {
	side, row := columns*g.c, g.w*g.c
	out := b.scratch.get(g.b*g.h*(row+2*side) + b.level.width)
	clear(out[len(out)-b.level.width:])
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
