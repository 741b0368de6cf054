package ref

import "truegrain/kernels"

// taps calls f for all products of a convolution, the n channels of one place of the window at a time: with
// the index of the output element, of the first input element and of the first weight. H, W, C are the
// convolution's input, which is the output of its transpose.
func taps(w kernels.Window, batch, h, wd, c, oh, ow, oc, groups int, f func(y, x, weight, n int)) {
	cg, og := c/groups, oc/groups
	for b := range batch {
		for i := range oh {
			for j := range ow {
				for p := range w.KH {
					for q := range w.KW {
						r, s := i*w.StrideH-w.PadH+p*w.DilH, j*w.StrideW-w.PadW+q*w.DilW
						if r < 0 || r >= h || s < 0 || s >= wd {
							continue
						}
						for o := range oc {
							f(((b*oh+i)*ow+j)*oc+o, ((b*h+r)*wd+s)*c+o/og*cg, ((o*w.KH+p)*w.KW+q)*cg, cg)
						}
					}
				}
			}
		}
	}
}

func convTaps(o kernels.Conv2D, f func(y, x, weight, n int)) {
	oh, ow := o.Out(o.H, o.W)
	taps(o.Window, o.B, o.H, o.W, o.C, oh, ow, o.OC, o.Groups, f)
}

// Conv2D is y = act(conv(x, weight) + bias + residual).
func (b *Backend[T]) Conv2D(o kernels.Conv2D) {
	x, w := b.floats(o.X), b.floats(o.Weight)
	z := make([]float64, o.Y.Len())
	convTaps(o, func(yi, xi, wi, n int) { z[yi] = dot(z[yi], x[xi:][:n], w[wi:][:n]) })
	b.finish(z, o.OC, o.Act, o.Bias, o.Residual, o.Y, o.Sums)
}

// Conv2DBackward sends dz back along every product.
func (b *Backend[T]) Conv2DBackward(o kernels.Conv2DGrad) {
	x, w := b.floats(o.X), b.floats(o.Weight)
	dz := b.through(o.Act, o.Rule, o.DY, o.Y)
	if o.DX.Wanted() {
		s := gather(o.DX)
		convTaps(o.Conv2D, func(yi, xi, wi, n int) { add(s[xi:][:n], dz[yi], w[wi:][:n]) })
		b.store(o.DX, s)
	}
	if o.DWeight.Wanted() {
		s := gather(o.DWeight)
		convTaps(o.Conv2D, func(yi, xi, wi, n int) { add(s[wi:][:n], dz[yi], x[xi:][:n]) })
		b.store(o.DWeight, s)
	}
	b.columns(o.DBias, dz, o.OC)
	b.each(o.DResidual, func(i int) float64 { return dz[i] })
}
