package ref

import "truegrain/kernels"

func adaptiveTaps(o kernels.AdaptiveAvgPool2D, f func(y, x int, share float64)) {
	windows(o.B, o.OH, o.OW, o.C, func(n, i, j, c, at int) {
		r0, r1 := o.Range(i, o.H, o.OH)
		s0, s1 := o.Range(j, o.W, o.OW)
		for r := r0; r < r1; r++ {
			for s := s0; s < s1; s++ {
				f(at, ((n*o.H+r)*o.W+s)*o.C+c, 1/float64((r1-r0)*(s1-s0)))
			}
		}
	})
}

// AdaptiveAvgPool2D averages the rows and columns that each output covers.
func (b *Backend[T]) AdaptiveAvgPool2D(o kernels.AdaptiveAvgPool2D) {
	x, z := b.floats(o.X), make([]float64, o.Y.Len())
	adaptiveTaps(o, func(yi, xi int, share float64) { z[yi] += share * float64(x[xi]) })
	b.store(kernels.Grad{Buf: o.Y}, z)
}

// AdaptiveAvgPool2DBackward spreads dy over them.
func (b *Backend[T]) AdaptiveAvgPool2DBackward(o kernels.AdaptiveAvgPool2DGrad) {
	if !o.DX.Wanted() {
		return
	}
	dy, s := b.floats(o.DY), gather(o.DX)
	adaptiveTaps(o.AdaptiveAvgPool2D, func(yi, xi int, share float64) { s[xi] += share * float64(dy[yi]) })
	b.store(o.DX, s)
}
