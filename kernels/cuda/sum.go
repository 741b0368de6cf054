//go:build cuda || emu

package cuda

import "truegrain/kernels"

// rowChunk is how many elements of a row one block adds up.
const rowChunk = 16384

// Sum is y[o,i] = Scale·Σ_n x[o,n,i].
func (d *Device) Sum(o kernels.Sum) {
	d.sum(kernels.Grad{Buf: o.Y}, o.X, o.Outer, o.N, o.Inner, o.Scale)
}

// SumBackward is dx[o,n,i] = Scale·dy[o,i].
func (d *Device) SumBackward(o kernels.SumGrad) {
	if n := o.DX.Buf.Len(); n > 0 {
		d.launch(sumBwd.of(o.DX.Buf.DType()), strided(n, 1), block(256), o.DX.Buf, o.DY, n, o.N, o.Inner, o.Scale,
			o.DX.Acc)
	}
}

// sum adds up the middle axis of x (outer, n, inner) into y, written or added, if y is wanted: in stages of
// fixed chunks, the partial sums in float32.
func (d *Device) sum(y kernels.Grad, x kernels.Buf, outer, n, inner int, scale float64) {
	if !y.Wanted() || outer*inner == 0 {
		return
	}
	if n == 0 {
		if !y.Acc {
			d.Fill(y.Buf, 0)
		}
		return
	}
	kernelOf, last := sumCols, sumColsLast
	if inner == 1 {
		kernelOf, last = sumRows, sumRowsLast
	}
	for {
		chunk := rowsInChunk(n)
		if inner == 1 {
			chunk = rowChunk
		}
		chunks := ceil(n, chunk)
		if chunks == 1 && (x.DType() == kernels.F32 || y.Buf.DType() == kernels.F32) {
			k := kernelOf.of(x.DType())
			if y.Buf.DType() == kernels.BF16 {
				k = last
			}
			d.sumStage(k, y.Buf, x, outer, n, inner, chunk, scale, y.Acc)
			return
		}
		part := d.scratch(kernels.F32, outer*chunks*inner)
		defer d.Free(part)
		d.sumStage(kernelOf.of(x.DType()), part, x, outer, n, inner, chunk, 1, false)
		x, n = part, chunks
	}
}

// sumStage adds up each chunk, for as many of outer at a time as a grid takes.
func (d *Device) sumStage(k *kernel, y, x kernels.Buf, outer, n, inner, chunk int, scale float64, acc bool) {
	if outer > mostAcross {
		sums := mostAcross * ceil(n, chunk) * inner
		d.sumStage(k, y.Slice(sums, y.Len()), x.Slice(mostAcross*n*inner, x.Len()), outer-mostAcross, n, inner, chunk,
			scale, acc)
		y, x, outer = y.Slice(0, sums), x.Slice(0, mostAcross*n*inner), mostAcross
	}
	if inner == 1 {
		d.launch(k, grid(ceil(n, chunk), outer), block(256), y, x, n, chunk, scale, acc)
		return
	}
	g, b, wide := columnGrid(inner, ceil(n, chunk), x)
	g[2] = uint32(outer)
	d.launch(k, g, b, y, x, n, inner, chunk, scale, acc, wide)
}
