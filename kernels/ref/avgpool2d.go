package ref

import "truegrain/kernels"

// avgTaps calls f for every element inside the picture of every window, with the window's share 1/n.
func avgTaps(o kernels.AvgPool2D, f func(y, x int, share float64)) {
	windows(o.B, o.OH, o.OW, o.C, func(n, i, j, c, at int) {
		r0, s0 := i*o.StrideH-o.PadH, j*o.StrideW-o.PadW
		rows, cols := min(r0+o.KH, o.H+o.PadH)-r0, min(s0+o.KW, o.W+o.PadW)-s0
		for r := max(r0, 0); r < min(r0+o.KH, o.H); r++ {
			for s := max(s0, 0); s < min(s0+o.KW, o.W); s++ {
				f(at, ((n*o.H+r)*o.W+s)*o.C+c, 1/float64(rows*cols))
			}
		}
	})
}

// AvgPool2D averages each window, padding included.
func (b *Backend[T]) AvgPool2D(o kernels.AvgPool2D) {
	x, z := b.floats(o.X), make([]float64, o.Y.Len())
	avgTaps(o, func(yi, xi int, share float64) { z[yi] += share * float64(x[xi]) })
	b.store(kernels.Grad{Buf: o.Y}, z)
}

// AvgPool2DBackward spreads dy over each window.
func (b *Backend[T]) AvgPool2DBackward(o kernels.AvgPool2DGrad) {
	if !o.DX.Wanted() {
		return
	}
	dy, s := b.floats(o.DY), gather(o.DX)
	avgTaps(o.AvgPool2D, func(yi, xi int, share float64) { s[xi] += share * float64(dy[yi]) })
	b.store(o.DX, s)
}
