package cpu

import "truegrain/kernels"

// geometry is what a convolution and its transpose share: a window that slides over a picture (b,h,w,c) and
// stops at positions (b,oh,ow), where it meets oc channels. Weights are (oc,KH,KW,c/groups).
//
// All three products of a convolution read memory in place, by tables of offsets: forward gathers windows of
// the picture, the gradient of the picture gathers positions, that of the weights packs windows block by
// block.
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

// windows is how the windows of a picture are read: taps runs of depth consecutive elements each.
type windows struct {
	geometry
	x           []float32
	taps, depth int
	relative    []int64   // bytes from a window's first pixel to each of its taps
	lease       []float32 // scratch, if x is a padded copy
}

// windows reads x pixel by pixel of the window; or by rows, where these are contiguous: without groups and
// dilation along the row, and without padding there, which a copy supplies if there are fewer channels than
// narrow.
func (b *Backend) windows(g geometry, x []float32) windows {
	v := windows{geometry: g, x: x, depth: g.c / g.groups}
	if g.pixels() == 0 {
		return v
	}
	byRows := g.KW > 1 && g.DilW == 1 && g.groups == 1 && (g.PadW == 0 || g.c < narrow)
	if byRows && g.PadW > 0 {
		v.lease = b.pad(g, x, 0, g.PadW)
		v.x, v.w, v.PadW = v.lease, g.w+2*g.PadW, 0
	}
	if byRows {
		v.depth, v.KW = g.KW*g.c, 1
	}
	v.setTaps()
	return v
}

// setTaps makes every element of the window a tap.
func (v *windows) setTaps() {
	v.taps = v.KH * v.KW
	for t := range v.taps {
		v.relative = append(v.relative, 4*int64((t/v.KW*v.DilH*v.w+t%v.KW*v.DilW)*v.c))
	}
}

// pad is a copy of x with padH rows and padW columns of zeros around every picture, and enough behind it for
// a kernel that reads a whole panel.
func (b *Backend) pad(g geometry, x []float32, padH, padW int) []float32 {
	side, row, rows := padW*g.c, g.w*g.c, g.h+2*padH
	out := b.scratch.get(g.b*rows*(row+2*side) + b.level.width)
	clear(out[len(out)-b.level.width:])
	b.parallel(g.b*rows, max(1, copyGrain/8/(row+2*side)), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			to := out[r*(row+2*side):][:row+2*side]
			i := r%rows - padH
			if i < 0 || i >= g.h {
				clear(to)
				continue
			}
			clear(to[:side])
			copy(to[side:], x[(r/rows*g.h+i)*row:][:row])
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

// locate gives the byte offsets of the taps t0..t1-1 of the windows at positions lo..hi-1:
// off[(t−t0)·(hi−lo)+r−lo], -1 where the tap lies outside the picture.
func (v *windows) locate(lo, hi, t0, t1 int, off []int64) {
	n := hi - lo
	if t0 == t1 {
		return
	}
	j, i, b := lo%v.ow, lo/v.ow%v.oh, lo/(v.ow*v.oh)
	for r := range n {
		y, x := i*v.StrideH-v.PadH, j*v.StrideW-v.PadW
		first := 4 * int64(((b*v.h+y)*v.w+x)*v.c)
		if v.inside(y, x) {
			for t, rel := range v.relative[t0:t1] {
				off[t*n+r] = first + rel
			}
		} else {
			v.locateEdge(y, x, first, t0, t1, off[r:], n)
		}
		if j++; j == v.ow {
			if i, j = i+1, 0; i == v.oh {
				b, i = b+1, 0
			}
		}
	}
}

// inside says that a window whose first pixel is (y,x) lies in the picture.
func (v *windows) inside(y, x int) bool {
	return y >= 0 && x >= 0 && y+(v.KH-1)*v.DilH < v.h && x+(v.KW-1)*v.DilW < v.w
}

// locateEdge is locate for one window that may reach over the edges.
func (v *windows) locateEdge(y, x int, first int64, t0, t1 int, off []int64, n int) {
	for t := t0; t < t1; t++ {
		off[(t-t0)*n] = -1
		if uint(y+t/v.KW*v.DilH) < uint(v.h) && uint(x+t%v.KW*v.DilW) < uint(v.w) {
			off[(t-t0)*n] = first + v.relative[t]
		}
	}
}
