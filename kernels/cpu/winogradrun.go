package cpu

// winogradCall is one convolution that is being computed. It is kept from one to the next, with its
// functions, so that a call allocates nothing.
type winogradCall struct {
	tiling
	grid         winogradGrid
	be           *Backend
	weights      *winograd
	source       tileSource
	y            []float32
	e            epilogue
	v            []float32 // shared: the transformed pixels of the tiles first..end-1
	first, end   int
	segments     []segment // of the depth of a product
	input, chunk func(i int)
}

// winogradGrid is how the work is cut. If the weights stay in cache, a chunk transforms some tiles,
// multiplies them with all the weights and makes their pixels. If they do not, every piece of them should be
// read once: all cores transform a block of tiles, which they share, and a chunk multiplies some of these
// with some columns and makes these channels of their pixels.
type winogradGrid struct {
	shared bool
	block  int // tiles that are transformed together
	rows   int // tiles of a chunk
	cols   int // columns of a chunk
}

// Bounds of the grid: bytes of weights that stay in cache; tiles and columns of a chunk, and chunks if there
// are few tiles; bytes of the transformed pixels of a block that is shared.
const (
	winogradCached = 1 << 20
	winogradRows   = 48
	winogradChunks = 8
	winogradCols   = 64
	winogradBlock  = 8 << 20
)

func (t *tiling) grid(shared choice) winogradGrid {
	planes := 4 * t.n * t.n * t.c // bytes of a tile
	if !shared.or(planes*t.oc > winogradCached) {
		rows := evenly(t.tiles(), max(2*tileRows, min(winogradRows, t.tiles()/winogradChunks)))
		return winogradGrid{block: rows, rows: rows, cols: t.oc}
	}
	block := evenly(t.tiles(), max(winogradRows, winogradBlock/planes))
	return winogradGrid{true, block, evenly(block, 2*winogradRows), min(t.oc, winogradCols)}
}

// evenly is the size of parts of total, about equal and about most at most.
func evenly(total, most int) int { return roundUp(ceil(total, ceil(total, most)), tileRows) }

// winograd computes y = act(x ⋆ weight + bias + residual).
func (b *Backend) winograd(g geometry, w *winograd, x, y []float32, e epilogue) {
	if g.positions() == 0 {
		return
	}
	c := b.winogradCalls.get()
	if c.chunk == nil {
		c.input, c.chunk = c.transform, c.compute
	}
	c.tiling, c.be, c.weights = tilingOf(g, w.m), b, w
	c.source, c.y, c.e = c.pictureOf(b.level, x, w.zero), y, e
	c.grid = c.tiling.grid(b.choices.shared)
	c.cut(b.level.width)
	if c.grid.shared {
		c.v = b.scratch.get(c.planes(c.grid.block, c.c))
	}
	for c.first = 0; c.first < c.tiles(); c.first = c.end {
		c.end = c.tiles()
		if c.grid.shared {
			c.end = min(c.end, c.first+c.grid.block)
			b.chunks(ceil(c.end-c.first, inputTiles), c.input)
		}
		b.chunks(c.parts()*ceil(c.oc, c.grid.cols), c.chunk)
	}
	if c.grid.shared {
		b.scratch.put(c.v)
	}
	c.be, c.weights, c.source, c.y, c.e, c.v = nil, nil, tileSource{}, nil, epilogue{}, nil
	b.winogradCalls.put(c)
}

// cut cuts the depth into parts of a sum.
func (c *winogradCall) cut(width int) {
	c.segments = c.segments[:0]
	step := roundUp(ceil(c.c, ceil(c.c, c.weights.depth)), 4)
	for k := 0; k < c.c; k += step {
		n := min(step, c.c-k)
		c.segments = append(c.segments, segment{a: 4 * k, b: 4 * k * width, depth: n, sum: sumNext})
	}
	last := len(c.segments) - 1
	c.segments[0].sum, c.segments[last].sum = sumFirst, sumLast
	if last == 0 {
		c.segments[0].sum = sumOn
	}
}

// parts is the number of chunks along the tiles first..end-1.
func (c *winogradCall) parts() int { return ceil(c.end-c.first, c.grid.rows) }

// plane is the distance of planes of so many tiles and channels, which is no power of two, since otherwise a
// tile would meet the same sets of the cache in all of them. planes is the size of all.
func plane(tiles, channels int) int { return tiles*channels + 16 }

func (t *tiling) planes(tiles, channels int) int { return t.n * t.n * plane(tiles, channels) }

// inputTiles is how many tiles of a block a chunk transforms.
const inputTiles = 8

// transform transforms a part of a block.
func (c *winogradCall) transform(i int) {
	r := c.be.winogradRunners.get()
	lo := i * inputTiles
	to := planes{v: c.v[lo*c.c:], plane: plane(c.grid.block, c.c)}
	r.transform(&c.tiling, &c.source, c.first+lo, min(c.first+lo+inputTiles, c.end), to)
	c.be.winogradRunners.put(r)
}

// compute computes some columns of some tiles.
func (c *winogradCall) compute(i int) {
	s := &c.be.scratch
	r := c.be.winogradRunners.get()
	lo, col := c.first+i%c.parts()*c.grid.rows, i/c.parts()*c.grid.cols
	hi, cols := min(lo+c.grid.rows, c.end), min(c.grid.cols, c.oc-col)
	v, vPlane := c.v, plane(c.grid.block, c.c)
	if c.grid.shared {
		v = v[(lo-c.first)*c.c:]
	} else {
		v = s.get(c.planes(c.grid.block, c.c))
		r.transform(&c.tiling, &c.source, lo, hi, planes{v: v, plane: vPlane})
	}
	m := s.get(c.planes(hi-lo, cols))
	r.multiply(c, v, vPlane, m, hi-lo, col, cols)
	r.finish(c, m, lo, hi, col, cols)
	s.put(m)
	if !c.grid.shared {
		s.put(v)
	}
	c.be.winogradRunners.put(r)
}
