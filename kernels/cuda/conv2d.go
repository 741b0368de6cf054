//go:build cuda || emu

package cuda

import "truegrain/kernels"

// convShape is struct Shape of src/conv2d.cu.
type convShape struct {
	Batch, H, W, C, OH, OW, OC, CG, OG              int32
	KH, KW, SH, SW, PH, PW, DH, DW, Chunk, Act, Acc int32
}

// shapeOf is a convolution from (b,h,w,c) to (b,oh,ow,oc).
func shapeOf(w kernels.Window, b, h, wd, c, oh, ow, oc, groups int) convShape {
	return convShape{Batch: int32(b), H: int32(h), W: int32(wd), C: int32(c), OH: int32(oh), OW: int32(ow),
		OC: int32(oc), CG: int32(c / groups), OG: int32(oc / groups), KH: int32(w.KH), KW: int32(w.KW),
		SH: int32(w.StrideH), SW: int32(w.StrideW), PH: int32(w.PadH), PW: int32(w.PadW), DH: int32(w.DilH),
		DW: int32(w.DilW)}
}

func (s convShape) groups() int { return int(s.OC / s.OG) }

// Conv2D is y = act(conv(x, weight) + bias + residual).
func (d *Device) Conv2D(o kernels.Conv2D) {
	o.Check()
	oh, ow := o.Out(o.H, o.W)
	s := shapeOf(o.Window, o.B, o.H, o.W, o.C, oh, ow, o.OC, o.Groups)
	s.Act = int32(o.Act)
	x, w, free := d.operands("conv2d", o.X, o.Weight, o.Packed, s.narrow(kernels.BF16))
	defer free()
	pixels := o.B * oh * ow
	var part kernels.Buf // Σ y and Σ y² of 64 pixels each, written on the way out
	if o.Sums.Len() > 0 && pixels > 0 && o.Bias.Len()+o.Residual.Len() == 0 && o.Act == kernels.NoActivation {
		part = d.scratch(kernels.F32, ceil(pixels, 64)*2*o.OC)
		defer d.Free(part)
	}
	if d.convForward(kernels.Grad{Buf: o.Y}, x, w, o.Bias, o.Residual, part, s) && part.Len() > 0 {
		d.rowsTogether(o.Sums, part, 2*o.OC)
		return
	}
	d.channelSums(o.Sums, o.Y, pixels, o.OC)
}

// Conv2DBackward sends dz back along every product.
func (d *Device) Conv2DBackward(o kernels.Conv2DGrad) {
	oh, ow := o.Out(o.H, o.W)
	s := shapeOf(o.Window, o.B, o.H, o.W, o.C, oh, ow, o.OC, o.Groups)
	dz := d.beforeActivation("conv2d", o.Act, o.Rule, o.DY, o.Y, o.Work)
	d.convBackwardX(o.DX, dz, o.Weight, kernels.Buf{}, kernels.Buf{}, s)
	d.convBackwardW(o.DWeight, dz, o.X, s)
	d.sum(o.DBias, dz, 1, o.B*oh*ow, o.OC, 1)
	d.scaled(o.DResidual, dz, 1)
}

// convForward is the convolution s, written or added, if y is wanted. It says whether it wrote sums (as in
// matrices), if there are any.
func (d *Device) convForward(y kernels.Grad, x, w, bias, residual, sums kernels.Buf, s convShape) bool {
	if y.Buf.Len() == 0 {
		return false
	}
	s.Acc = int32(index(y.Acc))
	if s.narrow(w.DType()) {
		return d.narrowForward(y, x, w, bias, residual, sums, s)
	}
	if s.pointwise() {
		return d.multiply(matrices{y.Buf, x, w, bias, residual, sums}, false, true, 1,
			gemmShape{M: s.Batch * s.H * s.W, N: s.OC, K: s.C, LDA: s.C, LDB: s.C, LDC: s.OC, Chunk: s.C,
				Act: s.Act, Acc: s.Acc, Alpha: 1})
	}
	m, n, z := y.Buf.Len()/int(s.OC), int(s.OG), s.groups()
	switch fits := tensorCores(x, w) && s.CG%8 == 0; {
	case fits && d.convForwardSM90(y.Buf, x, w, bias, residual, sums, s):
		return true
	case fits:
		if z > 1 {
			sums = kernels.Buf{}
		}
		d.launch(conv2dFwdMMA.of(y.Buf.DType()), tiles(m, n, z, mmaTile), block(256),
			y.Buf, x, w, bias, residual, sums, structBytes(&s))
		return z == 1
	}
	d.launch(conv2dFwd.of(x.DType()), tiles(m, n, z, tile), block(256), y.Buf, x, w, bias, residual,
		structBytes(&s))
	return false
}

// convBackwardX is the transpose of the convolution s, written or added, if dx is wanted.
func (d *Device) convBackwardX(dx kernels.Grad, dz, w, bias, residual kernels.Buf, s convShape) {
	if dx.Buf.Len() == 0 {
		return
	}
	s.Acc = int32(index(dx.Acc))
	if s.pointwise() {
		d.multiply(matrices{c: dx.Buf, a: dz, b: w, bias: bias, residual: residual}, false, false, 1,
			gemmShape{M: s.Batch * s.H * s.W, N: s.C, K: s.OC, LDA: s.OC, LDB: s.C, LDC: s.C, Chunk: s.OC,
				Act: s.Act, Acc: s.Acc, Alpha: 1})
		return
	}
	k, edge := conv2dDX.of(dz.DType()), tile
	if tensorCores(dz, w) && s.CG%8 == 0 && s.OG%8 == 0 {
		if d.convBackwardXSM90(dx.Buf, dz, w, bias, residual, s) {
			return
		}
		k, edge = conv2dDXMMA.of(dx.Buf.DType()), mmaTile
	}
	largest := int(s.Batch) * ceil(int(s.H), int(s.SH)) * ceil(int(s.W), int(s.SW)) // phase of input pixels
	d.launch(k, tiles(largest, int(s.CG), s.groups()*int(s.SH*s.SW), edge), block(256),
		dx.Buf, dz, w, bias, residual, structBytes(&s))
}

// convBackwardW is the gradient of the weights of the convolution s, written or added, if it is wanted.
func (d *Device) convBackwardW(dw kernels.Grad, dz, x kernels.Buf, s convShape) {
	if dw.Buf.Len() == 0 {
		return
	}
	rows, cols, pixels := int(s.OG), int(s.KH*s.KW*s.CG), int(s.Batch)*int(s.OH)*int(s.OW)
	if pixels == 0 {
		if !dw.Acc {
			d.Fill(dw.Buf, 0)
		}
		return
	}
	if s.narrow(x.DType()) && s.OC%8 == 0 && dz.Addr()%16 == 0 {
		d.narrowWeights(dw, dz, x, s)
		return
	}
	if s.pointwise() {
		d.linearWeights(dw, dz, x, pixels, int(s.OC), int(s.C))
		return
	}
	fits := tensorCores(dz, x) && s.CG%8 == 0 && s.OG%8 == 0
	count, length := d.weightChunks(fits, rows*s.groups(), cols, pixels)
	s.Chunk = int32(length)
	d.weightGradient(dw, count, dw.Buf.Len(), func(y kernels.Buf, acc int32) {
		s.Acc = acc
		if fits && d.convBackwardWSM90(y, dz, x, s, count) {
			return
		}
		k, edge := conv2dDW.of(x.DType()), tile
		if fits {
			k, edge = conv2dDWMMA, mmaTile
		}
		d.launch(k, tiles(rows, cols, s.groups()*count, edge), block(256), y, dz, x, structBytes(&s))
	})
}

// pointwise says that the convolution is a linear layer over the pixels.
func (s convShape) pointwise() bool {
	return s.KH == 1 && s.KW == 1 && s.SH == 1 && s.SW == 1 && s.PH == 0 && s.PW == 0 && s.groups() == 1
}

// tensorCores says that both operands are bfloat16 and begin at multiples of 16 bytes.
func tensorCores(a, b kernels.Buf) bool {
	return a.DType() == kernels.BF16 && b.DType() == kernels.BF16 && (a.Addr()|b.Addr())%16 == 0
}

// channelSums is Σ y and Σ y² of every channel, if they are wanted.
func (d *Device) channelSums(sums, y kernels.Buf, rows, cols int) {
	if sums.Len() == 0 {
		return
	}
	d.inChunks(sums, rows, 2*cols, func(part kernels.Buf, chunk, n int) {
		g, b, wide := columnGrid(cols, n, y)
		d.launch(channelSumsPart.of(y.DType()), g, b, part, y, rows, cols, chunk, wide)
	})
}

// rowsTogether adds up the rows of part, of cols each.
func (d *Device) rowsTogether(sums, part kernels.Buf, cols int) {
	rows := part.Len() / cols
	d.inChunks(sums, rows, cols, func(to kernels.Buf, chunk, n int) {
		g, b, wide := columnGrid(cols, n, part)
		d.launch(channelSumsRows, g, b, to, part, rows, cols, chunk, wide)
	})
}

// inChunks adds up chunks of rows in float64, which f queues, and then the chunks in their order.
func (d *Device) inChunks(sums kernels.Buf, rows, cols int, f func(part kernels.Buf, chunk, n int)) {
	chunk := rowsInChunk(rows)
	n := ceil(rows, chunk)
	part := d.scratch(kernels.F64, n*cols)
	defer d.Free(part)
	if n > 0 {
		f(part, chunk, n)
	}
	d.launch(channelSumsLast, grid(ceil(cols, 256)), block(256), sums, part, n, cols)
}
