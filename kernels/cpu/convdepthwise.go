package cpu

import (
	"math/bits"

	"truegrain/kernels"
)

// Where every channel is a group of its own, a window's elements are each one vector of channels, and a
// position is a weighted sum of these: a pooling with weights. Its time is that of moving pictures, not of
// multiplying. Groups of few channels are as many such sums: each input of a group, moved to all of its
// lanes, has a row of weights. As products they would fill a part of a tile only; and several groups in one
// product, with zeros between them, would let an infinity in one of them reach the others. Weights are packed
// as those of one product with the window's elements as its depth, so that a panel has the elements of its
// channels close together.

// groupSizes is how many powers of two there are up to the channels of the largest groups, a vector.
const groupSizes = 5

// sizeOf is the logarithm of the channels of a group.
func sizeOf(group int) int { return bits.Len(uint(group)) - 1 }

// depthwise says that a convolution and the gradient of its picture are computed so. A group that fills a
// vector is a product of enough columns.
func (b *Backend) depthwise(g *geometry) bool {
	return b.weighsDepthwise(g) && g.c/g.groups < b.level.lanes
}

// weighsDepthwise says that the gradient of the weights is.
func (b *Backend) weighsDepthwise(g *geometry) bool {
	n := g.c / g.groups
	return g.groups > 1 && g.c == g.oc && n&(n-1) == 0 && n <= b.level.lanes && b.choices.depthwise.or(true)
}

// panelsDepthwise are the packed weights, and what of them goes back to the scratch memory.
func (b *Backend) panelsDepthwise(w weights, g geometry, back bool) (panels, lent []float32) {
	if w.ready != nil {
		return w.ready.panels, nil
	}
	lent = b.scratch.get(b.packedLen(g.window(), g.c))
	if back {
		b.packMates(lent, w.raw, g)
	} else {
		b.packColumns(lent, w.raw, g.window(), g.window(), g.c)
	}
	return lent, lent
}

// packMates packs weights for the way back, where the outputs of a group are what is summed.
func (b *Backend) packMates(to, weight []float32, g geometry) {
	n, width, elements := g.c/g.groups, b.level.width, g.KH*g.KW
	clear(to[g.c/width*width*g.window():]) // of the last panel, there may be less
	b.parallel(g.c, channelGrain/8, func(lo, hi int) {
		for c := lo; c < hi; c++ {
			panel := to[c/width*width*g.window()+c%width:]
			for e := range elements {
				from := weight[c/n*n*g.window()+e*n+c%n:]
				for mate := range n {
					panel[(e*n+mate)*width] = from[mate*g.window()]
				}
			}
		}
	})
}

// sliding is such a convolution, or the gradient of its picture, which is another one: over dy, where a
// pixel meets every so many elements of the window in reverse.
type sliding struct {
	*poolTables
	geometry
	back             bool
	from, to         []float32 // picture and positions; back, positions and picture
	fromH, fromW     int
	lines, width     int // of to
	panels           []float32
	e                epilogue
	acc              bool
	past             int
	rowTap, colTap   int // from element to element of the window that meets: pixels in from,
	rowNext, colNext int // and elements of the window
}

// slide computes y (positions) of x, or back x (pixels) of y, either added to what is there or not.
func (b *Backend) slide(g geometry, from []float32, w weights, to []float32, back, acc bool, e epilogue) {
	panels, lent := b.panelsDepthwise(w, g, back)
	t := b.poolings.get()
	s := sliding{poolTables: t, geometry: g, back: back, from: from, to: to, panels: panels, e: e, acc: acc,
		fromH: g.h, fromW: g.w, lines: g.oh, width: g.ow,
		rowTap: g.DilH, colTap: g.DilW, rowNext: 1, colNext: 1}
	step, move := 1, g.StrideW
	if back {
		s.fromH, s.fromW, s.lines, s.width = g.oh, g.ow, g.h, g.w
		inRow, inCol := gcd(g.DilH, g.StrideH), gcd(g.DilW, g.StrideW)
		s.rowTap, s.colTap = g.DilH/inRow, g.DilW/inCol
		s.rowNext, s.colNext = -g.StrideH/inRow, -g.StrideW/inCol
		step, move = g.StrideW, 1
		t.rows = meetingsInto(t.rows, g.h, g.oh, g.KH, g.StrideH, g.PadH, g.DilH)
		t.cols = meetingsInto(t.cols, g.w, g.ow, g.KW, g.StrideW, g.PadW, g.DilW)
	} else {
		t.rows = spansInto(t.rows, g.oh, g.h, g.KH, g.StrideH, g.PadH, g.DilH)
		t.cols = spansInto(t.cols, g.ow, g.w, g.KW, g.StrideW, g.PadW, g.DilW)
	}
	t.runs = runsInto(t.runs, t.cols, step, move, g.window()*g.c)
	s.past = flag(e.res == nil && !acc && e.act != kernels.WithGELU && b.aligned(to, g.c))
	over(b, g.b*s.lines, rowGrain(s.width*g.c*(1+g.window()/4)), s, (*Backend).slideLines)
	b.poolings.put(t)
	b.scratch.put(lent)
	if e.sums != nil {
		b.columnSums(to, g.b*s.lines*s.width, g.c, e.sums[:g.c], e.sums[g.c:])
	}
}

// meetingsInto is the positions, n of them, whose windows have an element on each of some pixels.
func meetingsInto(s []span, pixels, n, k, stride, pad, dil int) []span {
	s = s[:0]
	for i := range pixels {
		var at span
		for e := k - 1; e >= 0; e-- {
			if d := i + pad - e*dil; d >= 0 && d%stride == 0 && d/stride < n {
				if at.n == 0 {
					at.first = d / stride
				}
				at.n++
			}
		}
		s = append(s, at)
	}
	return s
}

// slideLines computes the lines lo..hi-1 of all pictures.
func (b *Backend) slideLines(s *sliding, lo, hi int) {
	args := b.slides.get()
	l, c, group := b.level, s.c, s.c/s.groups
	kernel := l.stream.slide[sizeOf(group)]
	for line := lo; line < hi; line++ {
		image, i := line/s.lines, line%s.lines
		row := s.rows[i]
		for _, run := range s.runs {
			at := (line*s.width + run.at) * c
			s.arguments(args, l, at)
			args.positions = run.count
			if row.n*run.n > 0 {
				e, f := s.element(i, row.first, s.PadH, s.StrideH, s.DilH),
					s.element(run.at, run.first, s.PadW, s.StrideW, s.DilW)
				args.in = &s.from[((image*s.fromH+row.first)*s.fromW+run.first)*c]
				args.weights = &s.panels[(e*s.KW+f)*group*l.width]
				args.rows, args.cols = row.n, run.n
				args.rowStep -= run.n * args.colStep
				args.rowWeight -= run.n * args.colWeight
			}
			kernel(args)
		}
		if s.e.act == kernels.WithGELU {
			if n := s.width * c; n > 0 {
				at := &s.to[line*n]
				l.vmath.gelu(at, at, n, 0)
			}
		}
	}
	*args = depthwiseArgs{} // keep nothing alive
	b.slides.put(args)
}

// element is the first element of the window of output i, the first of whose source is at first.
func (s *sliding) element(i, first, pad, stride, dil int) int {
	if s.back {
		return (i + pad - first*stride) / dil
	}
	return (first - i*stride + pad) / dil
}

// arguments are those of all runs: steps are bytes, rowStep and rowWeight from the beginning of a row of the
// window to that of the next one.
func (s *sliding) arguments(args *depthwiseArgs, l *level, at int) {
	group := s.c / s.groups
	pixel, element := 4*s.c, 4*l.width*group
	*args = depthwiseArgs{
		out: &s.to[at], weights: &s.panels[0], channels: s.c, group: group,
		outStep: pixel, inStep: pixel * s.StrideW,
		rowStep: pixel * s.fromW * s.rowTap, colStep: pixel * s.colTap,
		rowWeight: element * s.KW * s.rowNext, colWeight: element * s.colNext,
		panel: 4 * l.width * s.window(), past: s.past, rectify: flag(s.e.act == kernels.WithReLU),
	}
	if s.back {
		args.outStep, args.inStep = args.inStep, args.outStep
	}
	if s.e.bias != nil {
		args.bias = &s.e.bias[0]
	}
	switch {
	case s.acc:
		args.res = args.out
	case s.e.res != nil:
		args.res = &s.e.res[at]
	}
}

// weightsDepthwise computes the gradient of the weights into dw or added to it: parts of the lines of
// positions, laid out as packed weights, which are added in their order.
func (b *Backend) weightsDepthwise(g geometry, x, dy, dw []float32, acc bool) {
	n, lines := b.packedLen(g.window(), g.c), g.b*g.oh
	parts := max(1, min(sumParts, lines, lines*g.ow*g.c/partOfWeights, partFloats/n))
	sums := b.scratch.get(parts * n)
	t := b.tables(g.Window, g.h, g.w, g.oh, g.ow, g.c)
	over(b, parts, 1, slidingSum{t, g, x, dy, sums, parts}, (*Backend).sumLines)
	b.poolings.put(t)
	b.addParts(sums[:n], sums[n:parts*n], true)
	over(b, g.c, channelGrain, unpacking{g.window(), b.level.width, sums, dw, acc}, (*Backend).unpackWeights)
	b.scratch.put(sums)
}

// partOfWeights is how many elements of dy make a part of a sum at least.
const partOfWeights = 1 << 16

// slidingSum is the gradient of the weights, in parts.
type slidingSum struct {
	*poolTables
	geometry
	x, dy, sums []float32
	parts       int
}

// sumLines computes the parts lo..hi-1.
func (b *Backend) sumLines(s *slidingSum, lo, hi int) {
	args := b.slides.get()
	l, c, group, lines := b.level, s.c, s.c/s.groups, s.b*s.oh
	element, kernel := l.width*group, l.stream.slideWeights[sizeOf(group)]
	for part := lo; part < hi; part++ {
		sums := s.sums[part*len(s.sums)/s.parts:][:len(s.sums)/s.parts]
		clear(sums)
		for line := part * lines / s.parts; line < (part+1)*lines/s.parts; line++ {
			image, i := line/s.oh, line%s.oh
			row := s.rows[i]
			for _, run := range s.runs {
				if row.n*run.n == 0 {
					continue
				}
				e, f := (row.first-i*s.StrideH+s.PadH)/s.DilH, (run.first-run.at*s.StrideW+s.PadW)/s.DilW
				*args = depthwiseArgs{
					out: &s.dy[(line*s.ow+run.at)*c], in: &s.x[((image*s.h+row.first)*s.w+run.first)*c],
					weights: &sums[(e*s.KW+f)*element], panel: 4 * l.width * s.window(),
					positions: run.count, channels: c, group: group, rows: row.n, cols: run.n,
					outStep: 4 * c, inStep: 4 * c * s.StrideW, colStep: 4 * c * s.DilW,
					colWeight: 4 * element, rowStep: 4 * c * (s.DilH*s.w - run.n*s.DilW),
					rowWeight: 4 * element * (s.KW - run.n),
				}
				kernel(args)
			}
		}
	}
	*args = depthwiseArgs{}
	b.slides.put(args)
}

// unpacking is packed weights of so many elements of the window, and where they go.
type unpacking struct {
	window, width int
	panels, dw    []float32
	acc           bool
}

// unpackWeights does it for the channels lo..hi-1.
func (b *Backend) unpackWeights(u *unpacking, lo, hi int) {
	for c := lo; c < hi; c++ {
		from := u.panels[c/u.width*u.width*u.window+c%u.width:]
		for e := range u.window {
			v := from[e*u.width]
			if u.acc {
				v += u.dw[c*u.window+e]
			}
			u.dw[c*u.window+e] = v
		}
	}
}
