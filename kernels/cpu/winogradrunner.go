package cpu

import (
	"runtime"
	"unsafe"

	"truegrain/kernels"
)

// winogradKernel is one of the kernels that winogradArgs describes.
type winogradKernel func(args *winogradArgs)

// winogradKernels are the transforms of F(m×m, 3×3).
type winogradKernels struct{ input, output winogradKernel }

// winogradGo are the transforms in Go.
var winogradGo = [...]winogradKernels{
	{winogradInputGo(2), winogradOutputGo(2)},
	{winogradInputGo(4), winogradOutputGo(4)},
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

// transform writes the transformed pixels of the tiles lo..hi-1 to the planes of v: tiles inside the picture
// by runs, those at its edge one by one.
func (r *winogradRunner) transform(c *winogradCall, lo, hi int, v []float32, vPlane int) {
	kernel := c.be.level.winograd[c.m/4].input
	for i := range c.n * c.n {
		r.interior[i] = c.pixel(i/c.n*c.DilH, i%c.n*c.DilW)
	}
	for t, run := lo, 0; t < hi; t += run {
		p := c.place(t)
		y, x := p.i-c.PadH, p.j-c.PadW
		r.args = winogradArgs{
			pixels: address(c.x, 0) + uintptr(c.pixel(p.b*c.h+y, x)), step: int(c.pixel(0, c.m*c.DilW)),
			planes: address(v, (t-lo)*c.c), plane: 4 * vPlane, advance: 4 * c.c,
			offsets: uintptr(unsafe.Pointer(&r.interior)), scratch: r.scratch(), count: c.c,
		}
		run = min(p.left, hi-t, whole(x, (c.n-1)*c.DilW, c.m*c.DilW, c.w))
		if run == 0 || x < 0 || y < 0 || y+(c.n-1)*c.DilH >= c.h {
			run = 1
			r.atEdge(c, y, x)
		}
		r.args.tiles = run
		kernel(&r.args)
	}
	runtime.KeepAlive(c)
}

// pixel is the distance in bytes of a pixel from one that lies dy rows and dx columns before it.
func (t *tiling) pixel(dy, dx int) int64 { return 4 * int64(dy*t.w+dx) * int64(t.c) }

// atEdge makes the offsets of the tile with the first pixel (y,x): outside the picture there are zeros.
func (r *winogradRunner) atEdge(c *winogradCall, y, x int) {
	zero := int64(address(c.weights.zero, 0) - r.args.pixels)
	for i := range c.n {
		for j := range c.n {
			dy, dx := i*c.DilH, j*c.DilW
			off := zero
			if uint(y+dy) < uint(c.h) && uint(x+dx) < uint(c.w) {
				off = c.pixel(dy, dx)
			}
			r.edge[i*c.n+j] = off
		}
	}
	r.args.offsets = uintptr(unsafe.Pointer(&r.edge))
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
	panels := ceil(c.oc, l.width)
	for q := range c.n * c.n {
		for n := 0; n < cols; n += l.width {
			b := address(c.weights.weights, (q*panels+(col+n)/l.width)*c.c*l.width)
			r.product = tileArgs{
				a: address(v, q*vPlane), aStep: 4, b: b, bStep: 4 * l.width,
				segments: uintptr(unsafe.Pointer(&c.segments[0])), count: len(c.segments),
				sums: uintptr(unsafe.Pointer(&r.sums)),
				c:    address(m, q*plane(rows, cols)+n), cols: min(l.width, cols-n),
			}
			r.product.fetch(b+uintptr(4*panels*c.c*l.width), rows)
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
