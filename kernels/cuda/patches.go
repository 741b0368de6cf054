//go:build cuda || emu

package cuda

import "truegrain/kernels"

// patchBytes is how much memory written patches take at most, if one picture's do not take more.
var patchBytes = 256 << 20 // tests take less

// narrow says that the channels of a convolution are none for tensor cores, as a picture's three: its patches
// are then written out, and it is a linear layer over them.
func (s convShape) narrow(t kernels.DType) bool {
	return t == kernels.BF16 && s.C%8 != 0 && s.groups() == 1
}

// patchWidth is the length of a row of written patches, a multiple of 8.
func (s convShape) patchWidth() int { return (int(s.KH*s.KW*s.C) + 7) &^ 7 }

// eachPatch writes the patches of so many pictures at a time as fit, and calls f with them and the pixels, of
// all pictures, that they belong to.
func (d *Device) eachPatch(x kernels.Buf, s convShape, f func(p kernels.Buf, from, to int)) {
	pixels, picture, ld := int(s.OH*s.OW), int(s.H*s.W*s.C), s.patchWidth()
	batch := min(max(1, patchBytes/max(1, 2*pixels*ld)), int(s.Batch))
	all := d.scratch(kernels.BF16, batch*pixels*ld)
	defer d.Free(all)
	for b := 0; b < int(s.Batch); b += batch {
		n := min(batch, int(s.Batch)-b)
		p := all.Slice(0, n*pixels*ld)
		d.patches(p, x.Slice(b*picture, (b+n)*picture), n*pixels, ld, s)
		f(p, b*pixels, (b+n)*pixels)
	}
}

// patches writes them: a block is as wide as a row has pieces of 8, so that a thread keeps its piece.
func (d *Device) patches(p, x kernels.Buf, pixels, ld int, s convShape) {
	across := min(ld/8, 256)
	down := 256 / across
	d.launch(patchesOut.of(x.DType()), grid(max(1, min(ceil(pixels, down), 4096))), block(across, down), p, x,
		pixels, ld, structBytes(&s))
}

// widenRows is a matrix of n rows of k elements with rows of ld, zeros behind each: patches of one pixel.
func (d *Device) widenRows(to, from kernels.Buf, n, k, ld int) {
	one := kernels.Window{KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1}
	d.patches(to, from, n, ld, shapeOf(one, n, 1, 1, k, 1, 1, 1, 1))
}

// narrowForward is a narrow convolution: patches times weights, whose rows are widened if they are not yet.
// It says whether it wrote sums, as convForward.
func (d *Device) narrowForward(y kernels.Grad, x, w, bias, residual, sums kernels.Buf, s convShape) bool {
	k, ld, oc := int(s.KH*s.KW*s.C), s.patchWidth(), int(s.OC)
	if w.Len() == oc*k && k != ld {
		wide := d.scratch(kernels.BF16, oc*ld)
		defer d.Free(wide)
		d.widenRows(wide, w, oc, k, ld)
		w = wide
	}
	summed := true
	d.eachPatch(x, s, func(p kernels.Buf, from, to int) {
		m := matrices{c: y.Buf.Slice(from*oc, to*oc), a: p, b: w, bias: bias}
		if residual.Len() > 0 {
			m.residual = residual.Slice(from*oc, to*oc)
		}
		if from%64 != 0 {
			summed = false
		} else if sums.Len() > 0 {
			m.sums = sums.Slice(from/64*2*oc, ceil(to, 64)*2*oc)
		}
		onTensorCores := d.multiply(m, false, true, 1, gemmShape{M: int32(to - from), N: s.OC, K: int32(ld),
			LDA: int32(ld), LDB: int32(ld), LDC: s.OC, Chunk: int32(ld), Act: s.Act, Acc: int32(index(y.Acc)),
			Alpha: 1})
		summed = summed && onTensorCores
	})
	return summed
}

// narrowWeights is the gradient of its weights: dzᵀ times patches, in rows of ld, then cut to their length.
func (d *Device) narrowWeights(dw kernels.Grad, dz, x kernels.Buf, s convShape) {
	k, ld, oc := int(s.KH*s.KW*s.C), s.patchWidth(), int(s.OC)
	wide := d.scratch(kernels.F32, oc*ld)
	defer d.Free(wide)
	d.eachPatch(x, s, func(p kernels.Buf, from, to int) {
		d.linearWeights(kernels.Grad{Buf: wide, Acc: from > 0}, dz.Slice(from*oc, to*oc), p, to-from, oc, ld)
	})
	cut := dw.Buf
	if cut.DType() != kernels.F32 {
		cut = d.scratch(kernels.F32, oc*k)
		defer d.Free(cut)
	}
	same := cut.DType() == dw.Buf.DType()
	d.copyRows(sliceRows, cut, rows{0, 0, k}, wide, rows{0, 0, ld}, 1, oc, k, same && dw.Acc)
	if !same {
		d.sum(dw, cut, 1, 1, oc*k, 1)
	}
}
