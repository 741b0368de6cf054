package cpu

import (
	"slices"

	"truegrain/kernels"
)

// geometry is what a convolution and its transpose share: a window that slides over a picture (b,h,w,c) and
// stops at positions (b,oh,ow), where it meets oc channels. Weights are (oc,KH,KW,c/groups).
//
// All three products of a convolution read memory in place: forward gathers windows of the picture, the
// gradient of the picture gathers positions, that of the weights walks along both.
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

// epilogue is what follows a product: act(product + bias + res), and where sums is wanted the sums of every
// channel of that and of its squares.
type epilogue struct {
	bias, res []float32
	act       kernels.Activation
	sums      []float64
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

// stretch is the positions from..to-1 along one axis whose windows have the same elements inside the picture:
// first..last-1.
type stretch struct{ from, to, first, last int }

// stretches cuts the positions along an axis, n of them, over a picture of that size, into stretches that are
// as long as they can be, or into single positions.
func stretches(out []stretch, n, size, k, stride, pad, dil int, join bool) []stretch {
	out = out[:0]
	for i := range n {
		s := stretch{from: i, to: i + 1}
		if at := i*stride - pad; at < size {
			s.first, s.last = max(0, (dil-1-at)/dil), min(k, (size-1-at)/dil+1)
		}
		if s.first >= s.last {
			s.first, s.last = 0, 0
		}
		if j := len(out) - 1; join && j >= 0 && out[j].first == s.first && out[j].last == s.last {
			out[j].to++
		} else {
			out = append(out, s)
		}
	}
	return out
}

// windows adds the bands of a group's windows over the picture, whose results lie at the walk to; k counts
// the weights of one output channel. Along a row of the window elements are contiguous, unless it is dilated
// or in groups. No band reads outside the picture. The first windows of rows lack some of the first columns,
// the last ones some of the last.
func (p *plan) windows(g *geometry, group int, to walk, lackFirst, lackLast int) {
	if g.oh == 0 || g.ow == 0 { // strides as wide as the picture leave phases without a pixel
		return
	}
	join := p.b.choices.bands.or(true)
	p.rows = stretches(p.rows, g.oh, g.h, g.KH, g.StrideH, g.PadH, g.DilH, join)
	p.cols = stretches(p.cols, g.ow, g.w, g.KW, g.StrideW, g.PadW, g.DilW, join)
	if j := p.cols[0]; lackFirst > 0 && j.to > 1 {
		p.cols[0].to = 1
		j.from = 1
		p.cols = slices.Insert(p.cols, 1, j)
	}
	if j := &p.cols[len(p.cols)-1]; lackLast > 0 && j.to-j.from > 1 {
		last := *j
		j.to--
		last.from = j.to
		p.cols = append(p.cols, last)
	}
	for _, i := range p.rows {
		for k, j := range p.cols {
			p.window(g, group, to, i, j)
			b := &p.bands[len(p.bands)-1]
			if k == 0 {
				b.lackFirst = lackFirst
			}
			if k == len(p.cols)-1 {
				b.lackLast = lackLast
			}
		}
	}
}

// window adds the band of some of the windows.
func (p *plan) window(g *geometry, group int, to walk, i, j stretch) {
	channels, width := g.c/g.groups, p.b.level.width
	y, x := i.from*g.StrideH-g.PadH, j.from*g.StrideW-g.PadW
	p.band(walk{
		count: [3]int{g.b, i.to - i.from, j.to - j.from},
		a:     [3]int{g.h * g.w * g.c, g.StrideH * g.w * g.c, g.StrideW * g.c},
		a0:    (y*g.w+x)*g.c + group*channels,
		c:     to.c, c0: to.c0 + i.from*to.c[1] + j.from*to.c[2],
	})
	step := 1
	if g.DilW == 1 && g.groups == 1 {
		step = j.last - j.first
	}
	for e := i.first; e < i.last; e++ {
		for f := j.first; f < j.last; f += step {
			k := (e*g.KW + f) * channels
			p.add((e*g.DilH*g.w+f*g.DilW)*g.c, k*width, k, step*channels)
		}
	}
}
