package cpu

import "truegrain/kernels"

// geometry is what a convolution and its transpose share: a window that slides over a picture (b,h,w,c) and
// stops at positions (b,oh,ow), where it meets oc channels. Weights are (oc,KH,KW,c/groups).
//
// All three products of a convolution read memory in place, by tables of offsets: forward gathers windows of the
// picture, the gradient of the picture gathers positions, that of the weights packs windows block by block.
type geometry struct {
	kernels.Window
	b, h, w, c, oh, ow, oc, groups int
}

func conv2DGeometry(op kernels.Conv2D) geometry {
	oh, ow := op.Out(op.H, op.W)
	return geometry{op.Window, op.B, op.H, op.W, op.C, oh, ow, op.OC, op.Groups}
}

// transposedGeometry is that of the convolution of which op is the transpose: its picture is op's output.
func transposedGeometry(op kernels.ConvTranspose2D) geometry {
	oh, ow := op.OutSize()
	return geometry{op.Window, op.B, oh, ow, op.OC, op.H, op.W, op.C, op.Groups}
}

func (g *geometry) positions() int { return g.b * g.oh * g.ow }
func (g *geometry) pixels() int    { return g.b * g.h * g.w }
func (g *geometry) window() int    { return g.KH * g.KW * g.c / g.groups } // weights of one output channel

// epilogue is what follows a product: act(product + bias + res).
type epilogue struct {
	bias, res []float32
	act       kernels.Activation
}

// channels is the part of the epilogue for the channels from lo on.
func (e epilogue) channels(lo int) epilogue {
	if e.bias != nil {
		e.bias = e.bias[lo:]
	}
	if e.res != nil {
		e.res = e.res[lo:]
	}
	return e
}

// narrow is the number of channels below which whole rows of the window are better taps than single pixels,
// worth a copy of the picture with padded rows.
const narrow = 16

// windows is how the windows of a picture are read: taps runs of depth consecutive elements each.
type windows struct {
	geometry
	x           []float32
	taps, depth int
	lease       []float32 // scratch, if x is a padded copy
}

// windows reads x pixel by pixel of the window; or by rows, where these are contiguous: without groups and
// dilation along the row, and without padding there, which a copy supplies if there are few channels.
func (b *Backend) windows(g geometry, x []float32) windows {
	v := windows{geometry: g, x: x, taps: g.KH * g.KW, depth: g.c / g.groups}
	if g.pixels() == 0 {
		v.taps = 0
		return v
	}
	if g.KW == 1 || g.DilW != 1 || g.groups != 1 || g.PadW > 0 && g.c >= narrow {
		return v
	}
	if g.PadW > 0 {
		v.lease = b.padRows(g, x)
		v.x, v.w, v.PadW = v.lease, g.w+2*g.PadW, 0
	}
	v.taps, v.depth, v.KW = g.KH, g.KW*g.c, 1
	return v
}

// padRows is a copy of x with PadW pixels of zeros on both sides of every row.
func (b *Backend) padRows(g geometry, x []float32) []float32 {
	side, row := g.PadW*g.c, g.w*g.c
	out := b.scratch.get(g.b * g.h * (row + 2*side))
	b.parallel(g.b*g.h, max(1, copyGrain/8/row), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			to := out[r*(row+2*side):][:row+2*side]
			clear(to[:side])
			copy(to[side:], x[r*row:][:row])
			clear(to[side+row:])
		}
	})
	return out
}

func (b *Backend) release(v windows) {
	if v.lease != nil {
		b.scratch.put(v.lease)
	}
}

// locate gives the byte offsets of the taps t0..t1-1 of the windows at positions lo..hi-1: off[(t−t0)·(hi−lo)+r−lo],
// -1 where the tap lies outside the picture.
func (v *windows) locate(lo, hi, t0, t1 int, off []int64) {
	n := hi - lo
	j := lo % v.ow
	i := lo / v.ow % v.oh
	b := lo / (v.ow * v.oh)
	for r := range n {
		p, q := t0/v.KW, t0%v.KW
		for t := range t1 - t0 {
			y, x := i*v.StrideH-v.PadH+p*v.DilH, j*v.StrideW-v.PadW+q*v.DilW
			at := int64(-1)
			if uint(y) < uint(v.h) && uint(x) < uint(v.w) {
				at = 4 * int64(((b*v.h+y)*v.w+x)*v.c)
			}
			off[t*n+r] = at
			if q++; q == v.KW {
				p, q = p+1, 0
			}
		}
		if j++; j == v.ow {
			if i, j = i+1, 0; i == v.oh {
				b, i = b+1, 0
			}
		}
	}
}
