package cpu

import (
	"runtime"
	"unsafe"

	"truegrain/kernels"
)

// winogradKernel is one of the kernels that winogradArgs describes.
type winogradKernel func(args *winogradArgs)

// winogradKernels are the transforms of F(m×m, 3×3): of pixels, products and weights; and of its transpose:
// of positions and products.
type winogradKernels struct{ input, output, filter, gradient, weights winogradKernel }

// winogradGo are the transforms in Go.
var winogradGo = [...]winogradKernels{winogradOf(2), winogradOf(4)}

func winogradOf(m int) winogradKernels {
	return winogradKernels{winogradInputGo(m), winogradOutputGo(m), winogradFilterGo(m),
		winogradGradientGo(m), winogradWeightsGo(m)}
}

// winogradRunner is what one goroutine needs to run chunks; it is kept from one to the next.
type winogradRunner struct {
	args           winogradArgs
	product        tileArgs
	interior, edge [36]int64 // offsets of the pixels of a tile
	aOff, cOff     []int64
	sums           [tileRows * maxWidth]float32
	room           [36*16 + 16]float32 // scratch memory of the kernels, and what it takes to align it
}

func (r *winogradRunner) scratch() uintptr { return (uintptr(unsafe.Pointer(&r.room)) + 63) &^ 63 }

// tileSource is what is read in tiles of side×side pixels: a picture, whose tiles overlap, or positions.
type tileSource struct {
	kernel     winogradKernel
	x, zero    []float32 // zero is a pixel outside
	h, w, c    int
	padH, padW int
	side       int
	channels   int // that are transformed at once, into planes of their own
}

// pictureOf and positionsOf are those of a tiling.
func (t *tiling) pictureOf(l *level, x, zero []float32) tileSource {
	return tileSource{l.winograd[t.m/4].input, x, zero, t.h, t.w, t.c, t.PadH, t.PadW, t.n, t.c}
}

func (t *tiling) positionsOf(l *level, dy, zero []float32) tileSource {
	return tileSource{l.winograd[t.m/4].gradient, dy, zero, t.oh, t.ow, t.oc, 0, 0, t.m, t.oc}
}

// planes is where transformed tiles go: [n²][part of the channels][tile][channel].
type planes struct {
	v           []float32
	plane, part int
}

// transform writes the transformed pixels of the tiles lo..hi-1 to planes, whose first tile is lo: tiles
// inside the picture by runs, those at its edge one by one.
func (r *winogradRunner) transform(t *tiling, s *tileSource, lo, hi int, to planes) {
	for i := range s.side * s.side {
		r.interior[i] = s.pixel(i/s.side*t.DilH, i%s.side*t.DilW)
	}
	reach := s.side - 1
	for i, run := lo, 0; i < hi; i += run {
		p := t.place(i)
		y, x := p.i-s.padH, p.j-s.padW
		args := winogradArgs{
			pixels: address(s.x, 0) + uintptr(s.pixel(p.b*s.h+y, x)), step: int(s.pixel(0, t.m*t.DilW)),
			planes: address(to.v, (i-lo)*s.channels), plane: 4 * to.plane, advance: 4 * s.channels,
			offsets: uintptr(unsafe.Pointer(&r.interior)), scratch: r.scratch(),
		}
		run = min(p.left, hi-i, whole(x, reach*t.DilW, t.m*t.DilW, s.w))
		if run == 0 || x < 0 || y < 0 || y+reach*t.DilH >= s.h {
			run = 1
			r.atEdge(t, s, y, x, args.pixels)
			args.offsets = uintptr(unsafe.Pointer(&r.edge))
		}
		for c := 0; c < s.c; c += s.channels {
			r.args = args
			r.args.pixels += uintptr(4 * c)
			r.args.planes += uintptr(4 * c / s.channels * to.part)
			r.args.count, r.args.tiles = min(s.channels, s.c-c), run
			s.kernel(&r.args)
		}
	}
	runtime.KeepAlive(s)
	runtime.KeepAlive(to)
}

// pixel is the distance in bytes of a pixel from one that lies dy rows and dx columns before it.
func (s *tileSource) pixel(dy, dx int) int64 { return 4 * int64(dy*s.w+dx) * int64(s.c) }

// atEdge makes the offsets of the tile with the first pixel (y,x), which is at an address: outside the
// picture there are zeros.
func (r *winogradRunner) atEdge(t *tiling, s *tileSource, y, x int, at uintptr) {
	zero := int64(address(s.zero, 0) - at)
	for i := range s.side {
		for j := range s.side {
			dy, dx := i*t.DilH, j*t.DilW
			off := zero
			if uint(y+dy) < uint(s.h) && uint(x+dx) < uint(s.w) {
				off = s.pixel(dy, dx)
			}
			r.edge[i*s.side+j] = off
		}
	}
}

// multiply computes the n² products of a chunk: m[q] = v[q]·weights[q] for some rows of v and the columns
// from col on.
func (r *winogradRunner) multiply(
	c *winogradCall, v []float32, vPlane int, m []float32, rows, col, cols int,
) {
	r.aOff, r.cOff = grow(r.aOff, rows), grow(r.cOff, rows)
	for i := range rows {
		r.aOff[i], r.cOff[i] = 4*int64(i*c.c), 4*int64(i*cols)
	}
	l := c.be.level
	apart := c.be.filterPlane(&c.geometry)
	for q := range c.n * c.n {
		for n := 0; n < cols; n += l.width {
			b := address(c.weights.weights, q*apart+(col+n)/l.width*c.c*l.width)
			r.product = tileArgs{
				a: address(v, q*vPlane), aStep: 4, b: b, bStep: 4 * l.width,
				segments: uintptr(unsafe.Pointer(&c.segments[0])), count: len(c.segments),
				sums: uintptr(unsafe.Pointer(&r.sums)),
				c:    address(m, q*plane(rows, cols)+n), cols: min(l.width, cols-n),
			}
			r.product.fetch(b+uintptr(4*apart), rows)
			tiles, full := tile(l.tiles, r.product.cols), rows/tileRows
			if full > 0 {
				r.run(tiles[tileRows-1], 0, full)
			}
			if rest := rows % tileRows; rest > 0 {
				r.run(tiles[rest-1], full*tileRows, 1)
			}
		}
		if c.be.cancelled() {
			break
		}
	}
	runtime.KeepAlive(c)
}

func (r *winogradRunner) run(kernel tileKernel, row, tiles int) {
	r.product.aOff = uintptr(unsafe.Pointer(&r.aOff[row]))
	r.product.cOff = uintptr(unsafe.Pointer(&r.cOff[row]))
	r.product.tiles = tiles
	kernel(&r.product)
}

// finish makes the channels from col on of the pixels of the tiles lo..hi-1.
func (r *winogradRunner) finish(c *winogradCall, m []float32, lo, hi, col, cols int) {
	kernel := c.be.level.winograd[c.m/4].output
	args := winogradArgs{
		plane: 4 * plane(hi-lo, cols), advance: 4 * cols, scratch: r.scratch(), count: cols,
		row: 4 * c.DilH * c.ow * c.oc, col: 4 * c.DilW * c.oc, step: 4 * c.m * c.DilW * c.oc,
	}
	if c.e.bias != nil {
		args.bias, args.flags = address(c.e.bias, col), flagBias
	}
	if c.e.res != nil {
		args.res, args.flags = address(c.e.res, 0)-address(c.y, 0), args.flags|flagRes
	}
	if c.e.act == kernels.WithReLU {
		args.flags |= flagReLU
	}
	for t, run := lo, 0; t < hi; t += run {
		p := c.place(t)
		args.rows, args.cols = min(c.m, ceil(c.oh-p.i, c.DilH)), min(c.m, ceil(c.ow-p.j, c.DilW))
		run = min(p.left, hi-t, max(1, whole(p.j, (c.m-1)*c.DilW, c.m*c.DilW, c.ow)))
		if args.rows <= 0 || args.cols <= 0 {
			continue // a residue has fewer rows or columns of tiles than another
		}
		args.pixels = address(c.y, ((p.b*c.oh+p.i)*c.ow+p.j)*c.oc+col)
		args.planes, args.tiles = address(m, (t-lo)*cols), run
		r.args = args
		kernel(&r.args)
	}
	runtime.KeepAlive(c)
}
