package cpu

import (
	"runtime"
	"unsafe"
)

// filterPlane is the distance of the planes of packed weights, which is no power of two, either; winogradLen
// is the size of all.
func (b *Backend) filterPlane(g *geometry) int { return plane(g.c, roundUp(g.oc, b.level.width)) }

func (b *Backend) winogradLen(g geometry, m int) int { return (m + 2) * (m + 2) * b.filterPlane(&g) }

// filterBlock is the channels, or filters, whose weights a chunk transforms for a panel.
const filterBlock = 128

// packFilters transforms the weights (oc,3,3,c) and packs them: blocks of channels of a panel's filters are
// transformed, then turned, as many filters at a time as a register has lanes.
func (b *Backend) packFilters(g geometry, weight []float32, to *winograd) {
	l := b.level
	panels, blocks := ceil(g.oc, l.width), ceil(g.c, filterBlock)
	b.chunks(panels*blocks, func(i int) {
		panel, c := i/blocks, i%blocks*filterBlock
		channels := min(filterBlock, g.c-c)
		size := plane(l.lanes, channels)
		u := b.scratch.get(to.n() * to.n() * size)
		for o := panel * l.width; o < min(g.oc, (panel+1)*l.width); o += l.lanes {
			b.filter(winogradArgs{
				pixels: address(weight, o*9*g.c+c), step: 36 * g.c, tiles: l.lanes, count: channels,
				planes: address(u, 0), plane: 4 * size, advance: 4 * channels,
			}, to.m, 4*g.c, false)
			for q := range to.n() * to.n() {
				at := q*b.filterPlane(&g) + (panel*g.c+c)*l.width + o%l.width
				l.transpose(&to.weights[at], &u[q*size], 4*l.width, 4*channels, channels/4)
			}
		}
		b.scratch.put(u)
	})
	runtime.KeepAlive(weight)
}

// packMirrored transforms the weights (c,3,3,oc) of the convolution of which g is the gradient of the
// picture, and packs them: the elements of the window in reverse, and the channels of a filter, which are
// columns, as they lie.
func (b *Backend) packMirrored(g geometry, weight []float32, to *winograd) {
	l := b.level
	panels, blocks := ceil(g.oc, l.width), ceil(g.c, filterBlock)
	b.chunks(panels*blocks, func(i int) {
		o, first := i/blocks*l.width, i%blocks*filterBlock
		args := winogradArgs{
			pixels: address(weight, first*9*g.oc+o), step: 36 * g.oc, tiles: min(filterBlock, g.c-first),
			planes: address(to.weights, (o/l.width*g.c+first)*l.width), plane: 4 * b.filterPlane(&g),
			advance: 4 * l.width, count: min(l.width, g.oc-o),
		}
		b.filter(args, to.m, 4*g.oc, true)
	})
	runtime.KeepAlive(weight)
}

// filter transforms some filters, the elements of whose windows lie some bytes apart.
func (b *Backend) filter(args winogradArgs, m, apart int, reversed bool) {
	r := b.winogradRunners.get()
	for e := range 9 {
		r.edge[e] = int64(e * apart)
		if reversed {
			r.edge[e] = int64((8 - e) * apart)
		}
	}
	r.args = args
	r.args.offsets, r.args.scratch = uintptr(unsafe.Pointer(&r.edge)), r.scratch()
	b.level.winograd[m/4].filter(&r.args)
	b.winogradRunners.put(r)
}
