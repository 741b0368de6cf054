package ref

import "truegrain/kernels"

// transposeTaps calls f for all products of a transposed convolution: those of the convolution that maps its
// output to its input, so the n channels are the output's. Both weights are stored alike: (C,KH,KW,OC/G).
func transposeTaps(o kernels.ConvTranspose2D, f func(y, x, weight, n int)) {
	oh, ow := o.OutSize()
	taps(o.Window, o.B, oh, ow, o.OC, o.H, o.W, o.C, o.Groups,
		func(x, y, weight, n int) { f(y, x, weight, n) })
}

// ConvTranspose2D is y = act(convᵀ(x, weight) + bias + residual).
func (b *Backend[T]) ConvTranspose2D(o kernels.ConvTranspose2D) {
	x, w := b.floats(o.X), b.floats(o.Weight)
	z := make([]float64, o.Y.Len())
	transposeTaps(o, func(yi, xi, wi, n int) { add(z[yi:][:n], float64(x[xi]), w[wi:][:n]) })
	b.finish(z, o.OC, o.Act, o.Bias, o.Residual, o.Y, o.Sums)
}

// ConvTranspose2DBackward sends dz back along every product.
func (b *Backend[T]) ConvTranspose2DBackward(o kernels.ConvTranspose2DGrad) {
	x, w := b.floats(o.X), b.floats(o.Weight)
	dz := b.through(o.Act, o.Rule, o.DY, o.Y)
	if o.DX.Wanted() {
		s := gather(o.DX)
		transposeTaps(o.ConvTranspose2D,
			func(yi, xi, wi, n int) { s[xi] = dot(s[xi], dz[yi:][:n], w[wi:][:n]) })
		b.store(o.DX, s)
	}
	if o.DWeight.Wanted() {
		s := gather(o.DWeight)
		transposeTaps(o.ConvTranspose2D,
			func(yi, xi, wi, n int) { add(s[wi:][:n], float64(x[xi]), dz[yi:][:n]) })
		b.store(o.DWeight, s)
	}
	b.columns(o.DBias, dz, o.OC)
	b.each(o.DResidual, func(i int) float64 { return dz[i] })
}
