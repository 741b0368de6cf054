package ref

import "truegrain/kernels"

// between is the two input positions that output i reads, and the weight of the second.
func between(i, n, out int) (lo, hi int, f float64) {
	at := max(0, (float64(i)+0.5)*float64(n)/float64(out)-0.5)
	lo = min(int(at), n-1)
	return lo, min(lo+1, n-1), at - float64(lo)
}

// resizeTaps calls f with the weight of each of the four inputs of every output element.
func resizeTaps(o kernels.Resize, f func(y, x int, w float64)) {
	windows(o.B, o.OH, o.OW, o.C, func(n, i, j, c, at int) {
		r0, r1, fr := between(i, o.H, o.OH)
		s0, s1, fs := between(j, o.W, o.OW)
		x := func(r, s int) int { return ((n*o.H+r)*o.W+s)*o.C + c }
		f(at, x(r0, s0), (1-fr)*(1-fs))
		f(at, x(r0, s1), (1-fr)*fs)
		f(at, x(r1, s0), fr*(1-fs))
		f(at, x(r1, s1), fr*fs)
	})
}

// Resize is bilinear interpolation.
func (b *Backend[T]) Resize(o kernels.Resize) {
	x, z := b.floats(o.X), make(sum, o.Y.Len())
	resizeTaps(o, func(yi, xi int, w float64) { z[yi] += w * float64(x[xi]) })
	b.store(kernels.Grad{Buf: o.Y}, z)
}

// ResizeBackward spreads dy over the four inputs.
func (b *Backend[T]) ResizeBackward(o kernels.ResizeGrad) {
	if !o.DX.Wanted() {
		return
	}
	dy, s := b.floats(o.DY), gather(o.DX)
	resizeTaps(o.Resize, func(yi, xi int, w float64) { s[xi] += w * float64(dy[yi]) })
	b.store(o.DX, s)
}
