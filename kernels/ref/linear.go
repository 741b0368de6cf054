package ref

import "truegrain/kernels"

// Linear is y = act(x·weightᵀ + bias + residual).
func (b *Backend[T]) Linear(o kernels.Linear) {
	x, w := b.floats(o.X), b.floats(o.Weight)
	z := make([]float64, o.R*o.OD)
	for r := range o.R {
		for k := range o.OD {
			z[r*o.OD+k] = dot(0, x[r*o.D:][:o.D], w[k*o.D:][:o.D])
		}
	}
	b.finish(z, o.OD, o.Act, o.Bias, o.Residual, o.Y, kernels.Buf{})
}

// LinearBackward is dx = dz·weight, dweight = dzᵀ·x, dbias = Σ dz, dresidual = dz.
func (b *Backend[T]) LinearBackward(o kernels.LinearGrad) {
	x, w := b.floats(o.X), b.floats(o.Weight)
	dz := b.through(o.Act, o.Rule, o.DY, o.Y)
	dx, dw := gather(o.DX), gather(o.DWeight)
	for r := range o.R {
		for k := range o.OD {
			if o.DX.Wanted() {
				add(dx[r*o.D:][:o.D], dz[r*o.OD+k], w[k*o.D:][:o.D])
			}
			if o.DWeight.Wanted() {
				add(dw[k*o.D:][:o.D], dz[r*o.OD+k], x[r*o.D:][:o.D])
			}
		}
	}
	b.store(o.DX, dx)
	b.store(o.DWeight, dw)
	b.columns(o.DBias, dz, o.OD)
	b.each(o.DResidual, func(i int) float64 { return dz[i] })
}
