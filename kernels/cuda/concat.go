//go:build cuda || emu

package cuda

import "truegrain/kernels"

// Concat joins along the middle axis.
func (d *Device) Concat(o kernels.Concat) {
	total, at := rowOf(o.N, o.Inner), 0
	for k := 0; k < len(o.X); {
		n, times := o.N[k]*o.Inner, repeated(o.X[k:], func(b kernels.Buf) kernels.Buf { return b })
		d.copyRows(concatRows, o.Y, rows{at, n, total}, o.X[k], rows{0, 0, n}, times, o.Outer, n, false)
		k, at = k+times, at+times*n
	}
}

// repeated is how many parts in a row are the first one: a token that every picture has.
func repeated[T any](parts []T, of func(T) kernels.Buf) (n int) {
	for n < len(parts) && of(parts[n]).Addr() == of(parts[0]).Addr() && of(parts[n]).Len() == of(parts[0]).Len() {
		n++
	}
	return n
}

// ConcatBackward cuts dy into its parts.
func (d *Device) ConcatBackward(o kernels.ConcatGrad) {
	total, at := rowOf(o.N, o.Inner), 0
	for k := 0; k < len(o.DX); {
		dx, n, times := o.DX[k], o.N[k]*o.Inner, 1
		if dx.Wanted() && o.Outer == 1 {
			times = repeated(o.DX[k:], func(g kernels.Grad) kernels.Buf { return g.Buf })
		}
		switch {
		case times > 1:
			d.sum(dx, o.DY.Slice(at, at+times*n), 1, times, n, 1)
		case dx.Wanted():
			d.copyRows(concatRows, dx.Buf, rows{0, 0, n}, o.DY, rows{at, 0, total}, 1, o.Outer, n, dx.Acc)
		}
		k, at = k+times, at+times*n
	}
}

// rowOf is the length of a row of the joined tensor.
func rowOf(n []int, inner int) (total int) {
	for _, v := range n {
		total += v * inner
	}
	return total
}
