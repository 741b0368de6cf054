package webp

// plane is one component with its reconstruction, padded to whole macroblocks.
type plane struct {
	stride   int
	src, rec []uint8
}

// encoder is the state of a frame.
type encoder struct {
	w, h, mbw, mbh, q int
	planes            [3]plane // Y, U, V
	modes, tokens     *boolEncoder
	// whether the neighbours' blocks had coefficients: four of Y, two of U, two of V, one of Y2
	leftNZ [9]int
	upNZ   [][9]int
}

func newEncoder(w, h int, rgb []uint8, q, filter int) *encoder {
	e := &encoder{w: w, h: h, mbw: (w + 15) / 16, mbh: (h + 15) / 16, q: q, modes: newBoolEncoder(),
		tokens: newBoolEncoder()}
	e.upNZ = make([][9]int, e.mbw)
	for i := range e.planes {
		size := 8
		if i == 0 {
			size = 16
		}
		n := size * e.mbw * size * e.mbh
		e.planes[i] = plane{size * e.mbw, make([]uint8, n), make([]uint8, n)}
	}
	e.colours(rgb)
	e.header(filter)
	return e
}

// colours converts to BT.601 in the range that VP8 has, Y 16 to 235, chroma averaged over 2×2 pixels; the
// last column and row go on into the padding.
func (e *encoder) colours(rgb []uint8) {
	at := func(x, y int) (r, g, b int32) {
		p := rgb[3*(min(y, e.h-1)*e.w+min(x, e.w-1)):]
		return int32(p[0]), int32(p[1]), int32(p[2])
	}
	luma, u, v := &e.planes[0], &e.planes[1], &e.planes[2]
	for y := range 16 * e.mbh {
		for x := range 16 * e.mbw {
			r, g, b := at(x, y)
			luma.src[y*luma.stride+x] = uint8((16839*r + 33059*g + 6420*b + 16<<16 + 1<<15) >> 16)
		}
	}
	for y := range 8 * e.mbh {
		for x := range 8 * e.mbw {
			var r, g, b int32
			for k := range 4 {
				dr, dg, db := at(2*x+k%2, 2*y+k/2)
				r, g, b = r+dr, g+dg, b+db
			}
			u.src[y*u.stride+x] = uint8((-9719*r - 19081*g + 28800*b + 128<<18 + 1<<17) >> 18)
			v.src[y*v.stride+x] = uint8((28800*r - 24116*g - 4684*b + 128<<18 + 1<<17) >> 18)
		}
	}
}

// The predictions of a macroblock.
const (
	predDC = iota
	predV
	predH
	predTM
)

// predict fills size×size pixels from the row above and the column at the left (RFC 6386, section 12.2).
func (p *plane) predict(out []uint8, x, y, size, mode int) {
	var up, left [16]int32
	corner := int32(127)
	for i := range size {
		up[i], left[i] = 127, 129
		if y > 0 {
			up[i] = int32(p.rec[(y-1)*p.stride+x+i])
		}
		if x > 0 {
			left[i] = int32(p.rec[(y+i)*p.stride+x-1])
		}
	}
	switch {
	case y > 0 && x > 0:
		corner = int32(p.rec[(y-1)*p.stride+x-1])
	case y > 0:
		corner = 129
	}
	dc := mean(up[:size], left[:size], y > 0, x > 0)
	for i := range size * size {
		switch mode {
		case predDC:
			out[i] = dc
		case predV:
			out[i] = uint8(up[i%size])
		case predH:
			out[i] = uint8(left[i/size])
		case predTM:
			out[i] = clip(left[i/size] + up[i%size] - corner)
		}
	}
}

// mean is that of the edges that there are.
func mean(up, left []int32, hasUp, hasLeft bool) uint8 {
	var sum, n int32
	for i := range up {
		if hasUp {
			sum, n = sum+up[i], n+1
		}
		if hasLeft {
			sum, n = sum+left[i], n+1
		}
	}
	if n == 0 {
		return 128
	}
	return uint8((sum + n/2) / n)
}

func clip(v int32) uint8 { return uint8(min(max(v, 0), 255)) }

// best is the prediction nearest to the source.
func (p *plane) best(x, y, size int) (mode int, off int64, pred [256]uint8) {
	off = -1
	for m := predDC; m <= predTM; m++ {
		var try [256]uint8
		p.predict(try[:size*size], x, y, size, m)
		if o := p.distance(try[:size*size], x, y, size); off < 0 || o < off {
			mode, off, pred = m, o, try
		}
	}
	return mode, off, pred
}

func (p *plane) distance(pred []uint8, x, y, size int) (off int64) {
	for i, v := range pred {
		d := int64(v) - int64(p.src[(y+i/size)*p.stride+x+i%size])
		off += d * d
	}
	return off
}

// bestChroma is the prediction that both planes together are nearest to.
func (e *encoder) bestChroma(x, y int) (mode int, pred [2][64]uint8) {
	off := int64(-1)
	for m := predDC; m <= predTM; m++ {
		var try [2][64]uint8
		var o int64
		for i := range try {
			e.planes[1+i].predict(try[i][:], x, y, 8, m)
			o += e.planes[1+i].distance(try[i][:], x, y, 8)
		}
		if off < 0 || o < off {
			mode, off, pred = m, o, try
		}
	}
	return mode, pred
}

// macroblock writes 16×16 pixels: their modes, the means of the luma blocks (Y2), then luma and chroma.
func (e *encoder) macroblock(mbx, mby int) {
	up := &e.upNZ[mbx]
	mode, _, pred := e.planes[0].best(16*mbx, 16*mby, 16)
	uvMode, uvPred := e.bestChroma(8*mbx, 8*mby)
	e.lumaMode(mode)
	e.chromaMode(uvMode)

	var y [16][16]int32
	var y2 [16]int32
	for k := range y {
		e.planes[0].residual(&y[k], pred[:], 16*mbx, 16*mby, 16, k%4, k/4)
		forward(&y[k])
		y2[k] = y[k][0]
	}
	forwardWalsh(&y2)
	quantise(&y2, 2*stepDC[e.q], max(stepAC[e.q]*155/100, 8))
	nz := e.block(kindY2, 0, &y2, e.leftNZ[8]+up[8])
	e.leftNZ[8], up[8] = nz, nz
	dequantise(&y2, 2*stepDC[e.q], max(stepAC[e.q]*155/100, 8))
	inverseWalsh(&y2)
	for k := range y {
		quantise(&y[k], stepDC[e.q], stepAC[e.q])
		y[k][0] = 0
		nz := e.block(kindY, 1, &y[k], e.leftNZ[k/4]+up[k%4])
		e.leftNZ[k/4], up[k%4] = nz, nz
		dequantise(&y[k], stepDC[e.q], stepAC[e.q])
		y[k][0] = y2[k]
		e.planes[0].rebuild(&y[k], pred[:], 16*mbx, 16*mby, 16, k%4, k/4)
	}
	for i := range uvPred {
		e.chroma(1+i, uvPred[i][:], mbx, mby, up)
	}
}

// chroma writes the four blocks of one chroma plane.
func (e *encoder) chroma(plane int, pred []uint8, mbx, mby int, up *[9]int) {
	p := &e.planes[plane]
	dc, ac := stepDC[min(e.q, 117)], stepAC[e.q]
	base := 2 + 2*plane // 4 for U, 6 for V
	for k := range 4 {
		var c [16]int32
		p.residual(&c, pred, 8*mbx, 8*mby, 8, k%2, k/2)
		forward(&c)
		quantise(&c, dc, ac)
		nz := e.block(kindUV, 0, &c, e.leftNZ[base+k/2]+up[base+k%2])
		e.leftNZ[base+k/2], up[base+k%2] = nz, nz
		dequantise(&c, dc, ac)
		p.rebuild(&c, pred, 8*mbx, 8*mby, 8, k%2, k/2)
	}
}

// residual is source minus prediction of one 4×4 block.
func (p *plane) residual(c *[16]int32, pred []uint8, x, y, size, bx, by int) {
	for i := range 16 {
		dx, dy := 4*bx+i%4, 4*by+i/4
		c[i] = int32(p.src[(y+dy)*p.stride+x+dx]) - int32(pred[dy*size+dx])
	}
}

// rebuild is what a decoder will have, which later blocks are predicted from.
func (p *plane) rebuild(c *[16]int32, pred []uint8, x, y, size, bx, by int) {
	inverse(c)
	for i := range 16 {
		dx, dy := 4*bx+i%4, 4*by+i/4
		p.rec[(y+dy)*p.stride+x+dx] = clip(int32(pred[dy*size+dx]) + c[i])
	}
}

// lumaMode writes a macroblock's luma mode (RFC 6386, section 11.2: the tree of key frames).
func (e *encoder) lumaMode(mode int) {
	e.modes.bit(145, true) // not in blocks of 4×4
	e.modes.bit(156, mode == predH || mode == predTM)
	switch mode {
	case predDC, predV:
		e.modes.bit(163, mode == predV)
	default:
		e.modes.bit(128, mode == predTM)
	}
}

// chromaMode writes a macroblock's chroma mode.
func (e *encoder) chromaMode(mode int) {
	e.modes.bit(142, mode != predDC)
	if mode == predDC {
		return
	}
	e.modes.bit(114, mode != predV)
	if mode != predV {
		e.modes.bit(183, mode == predTM)
	}
}
