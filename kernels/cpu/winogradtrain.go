package cpu

import (
	"runtime"

	"truegrain/kernels"
)

// In training Winograd's algorithm computes the gradients of picture and weights. Its error is four times
// that of a direct sum, of which a gradient hands on as much as it gets; in a forward pass even that of m =
// 2, half as much again as a direct sum's, puts ReLUs on the other side of zero that PyTorch's float32 leaves
// where they are.

// gradientDepth is the k in a part of a sum there: products of transforms are larger than what they add up
// to.
const gradientDepth = 48

// winogradTrains is the m with which a gradient of a convolution is computed: by that of its multiplications
// that are not with zeros outside the picture, and of weights that are transformed. It is 0 if that is
// directly, as in all that has no batch norm behind, which asks for sums: explanations take the exact way,
// and behind a batch norm it makes no difference that an infinity or a NaN makes its whole tile NaN, since it
// makes all statistics of the channel NaN.
func (b *Backend) winogradTrains(op kernels.Conv2D, g geometry) (best int) {
	if op.Sums.IsZero() || !winogradFits(op) || g.positions() == 0 || g.pixels() == 0 ||
		b.choices.winograd == never {
		return 0
	}
	least := g.met() + 9*winogradLoad
	for _, m := range []int{2, 4} {
		t := tilingOf(g, m)
		cost := 11 * t.n * t.n * (t.tiles() + winogradLoad) / 10
		if cost < least || b.choices.winograd == always && best == 0 {
			best, least = m, cost
		}
	}
	return best
}

// met is how many elements of windows lie in the picture.
func (g *geometry) met() int {
	along := func(n, size, k, stride, pad, dil int) (all int) {
		for e := range k {
			s := met(e, n, size, stride, pad, dil)
			all += s.to - s.from
		}
		return all
	}
	return g.b * along(g.oh, g.h, g.KH, g.StrideH, g.PadH, g.DilH) * along(g.ow, g.w, g.KW,
		g.StrideW, g.PadW, g.DilW)
}

// mirrored is the convolution of dy that is the gradient of the picture, at a stride of 1.
func (g geometry) mirrored() geometry {
	g.h, g.w, g.c, g.oh, g.ow, g.oc = g.oh, g.ow, g.oc, g.h, g.w, g.c
	g.PadH, g.PadW = (g.KH-1)*g.DilH-g.PadH, (g.KW-1)*g.DilW-g.PadW
	return g
}

// zeros is n zeros in scratch.
func (b *Backend) zeros(n int) []float32 {
	z := b.scratch.get(n)
	clear(z)
	return z
}

// winogradPicture computes the gradient of the picture by g, its mirrored convolution, into dx or added to
// it.
func (b *Backend) winogradPicture(g geometry, m int, dy, weight, dx []float32, acc bool) {
	w := &winograd{m: m, depth: gradientDepth, weights: b.scratch.get(b.winogradLen(g, m)),
		zero: b.zeros(g.c)}
	b.packMirrored(g, weight, w)
	var e epilogue
	if acc {
		e.res = dx
	}
	b.winograd(g, w, dy, dx, e)
	b.scratch.put(w.weights)
	b.scratch.put(w.zero)
}

// Tiles of a block: so many bytes transformed, but not few, since all products are read and written for each.
const (
	gradientBlock = 128 << 20
	gradientTiles = 256
)

// winogradWeights computes the gradient of the weights, into dw or added to it: n² products of transformed
// tiles, whose depth are the tiles, make dU (n²,oc,c), a filter's plane after plane.
func (b *Backend) winogradWeights(g geometry, m int, x, dy, dw []float32, acc bool) {
	t := tilingOf(g, m)
	zero := b.zeros(max(g.c, g.oc))
	inX, inDY := t.pictureOf(b.level, x, zero), t.positionsOf(b.level, dy, zero)
	block := evenly(t.tiles(), max(gradientTiles, gradientBlock/(4*t.n*t.n*(g.c+g.oc))))
	v, w := b.panelsOf(&t, &inX, block), b.panelsOf(&t, &inDY, block)
	apart := plane(g.oc, g.c)
	du := b.scratch.get(t.n * t.n * apart)
	for first := 0; first < t.tiles(); first += block {
		tiles := min(block, t.tiles()-first)
		b.transformAll(&t, &inX, first, tiles, v)
		b.transformAll(&t, &inDY, first, tiles, w)
		p := b.plan()
		p.side, p.depth = bigSide, gradientDepth
		for q := range t.n * t.n {
			t.gradientOf(p, q, tiles, v, w, du[q*apart:], first > 0)
		}
		p.execute(nil)
	}
	b.collectWeights(&t, du, dw, acc)
	for _, lent := range [][]float32{zero, v.v, w.v, du} {
		b.scratch.put(lent)
	}
}

// panelsOf is scratch for the transformed tiles of a block in panels of channels, and makes the source fill
// them.
func (b *Backend) panelsOf(t *tiling, s *tileSource, block int) planes {
	s.channels = b.level.width
	part := (block + 1 - block%2) * s.channels // panels no multiple of a page apart, as in panelOf
	all := ceil(s.c, s.channels) * part
	return planes{b.scratch.get(t.n * t.n * all), all, part}
}

// transformAll transforms some tiles.
func (b *Backend) transformAll(t *tiling, s *tileSource, first, tiles int, to planes) {
	b.parallel(tiles, inputTiles, func(lo, hi int) {
		r := b.winogradRunners.get()
		part := to
		part.v = to.v[lo*s.channels:]
		r.transform(t, s, first+lo, first+hi, part)
		b.winogradRunners.put(r)
	})
}

// gradientOf adds the product of plane q: the channels of dy are its rows, those of x its columns.
func (t *tiling) gradientOf(p *plan, q, tiles int, v, w planes, du []float32, acc bool) {
	width := p.b.level.width
	one := product{n: t.c, k: tiles, a: w.v[q*w.plane:], aStep: width, b: v.v[q*v.plane:], bStep: width,
		panel: v.part, c: du, pass: packedPass}
	if acc {
		one.res = du
	}
	p.product(one)
	panels, rest := t.oc/width, t.oc%width
	if panels > 0 {
		p.band(walk{count: [3]int{1, panels, width}, a: [3]int{0, w.part, 1}, c: [3]int{0, t.c * width, t.c}})
		p.add(0, 0, 0, tiles)
	}
	if rest > 0 {
		l := line(rest, 1, t.c)
		l.a0, l.c0 = panels*w.part, panels*width*t.c
		p.band(l)
		p.add(0, 0, 0, tiles)
	}
}

// filtersOfChunk is the filters that a chunk makes.
const filtersOfChunk = 4

// collectWeights makes dw = Gᵀ·dU·G, or adds it.
func (b *Backend) collectWeights(t *tiling, du, dw []float32, acc bool) {
	apart := 4 * t.c
	b.parallel(t.oc, filtersOfChunk, func(lo, hi int) {
		r := b.winogradRunners.get()
		r.args = winogradArgs{
			pixels: address(dw, lo*9*t.c), step: 9 * apart, row: 3 * apart, col: apart, rows: 3, cols: 3,
			planes: address(du, lo*t.c), plane: 4 * plane(t.oc, t.c), advance: apart, count: t.c,
			tiles:   hi - lo,
			scratch: r.scratch(),
		}
		if acc {
			r.args.flags = flagRes
		}
		b.level.winograd[t.m/4].weights(&r.args)
		b.winogradRunners.put(r)
	})
	runtime.KeepAlive(du)
}
