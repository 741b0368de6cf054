package ref

import (
	"math"

	"truegrain/kernels"
)

// MaxPool2D takes the first largest element of each window; a NaN wins.
func (b *Backend[T]) MaxPool2D(o kernels.MaxPool2D) {
	x, y, index := b.floats(o.X), b.floats(o.Y), kernels.Floats[int32](o.Index)
	windows(o.B, o.OH, o.OW, o.C, func(n, i, j, c, at int) {
		best, where := math.Inf(-1), -1
		for p := range o.KH {
			for q := range o.KW {
				r, s := i*o.StrideH-o.PadH+p*o.DilH, j*o.StrideW-o.PadW+q*o.DilW
				if r < 0 || r >= o.H || s < 0 || s >= o.W {
					continue
				}
				v := float64(x[((n*o.H+r)*o.W+s)*o.C+c])
				if where < 0 || v > best || math.IsNaN(v) && !math.IsNaN(best) {
					best, where = v, r*o.W+s
				}
			}
		}
		y[at] = T(best)
		if index != nil {
			index[at] = int32(where)
		}
	})
}

// MaxPool2DBackward sends dy to the winners.
func (b *Backend[T]) MaxPool2DBackward(o kernels.MaxPool2DGrad) {
	if !o.DX.Wanted() {
		return
	}
	dy, index, s := b.floats(o.DY), kernels.Floats[int32](o.Index), gather(o.DX)
	windows(o.B, o.OH, o.OW, o.C, func(n, _, _, c, at int) {
		if index[at] >= 0 {
			s[(n*o.H*o.W+int(index[at]))*o.C+c] += float64(dy[at])
		}
	})
	b.store(o.DX, s)
}

// windows calls f for every output element of a pooling, at being its index.
func windows(batch, oh, ow, c int, f func(n, i, j, k, at int)) {
	at := 0
	for n := range batch {
		for i := range oh {
			for j := range ow {
				for k := range c {
					f(n, i, j, k, at)
					at++
				}
			}
		}
	}
}
