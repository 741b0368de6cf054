package ref

import "truegrain/kernels"

// Linear is y = act(x·weightᵀ + bias + residual).
func (b *Backend[T]) Linear(o kernels.Linear) {
	x, w := b.f(o.X), b.f(o.Weight)
	z := make([]float64, o.R*o.OD)
	for r := range o.R {
		for k := range o.OD {
			for d := range o.D {
				z[r*o.OD+k] += float64(x[r*o.D+d]) * float64(w[k*o.D+d])
			}
		}
	}
	b.finish(z, o.OD, o.Act, o.Bias, o.Residual, o.Y, kernels.Buf{})
}

// LinearBackward is dx = dz·weight, dweight = dzᵀ·x, dbias = Σ dz, dresidual = dz.
func (b *Backend[T]) LinearBackward(o kernels.LinearGrad) {
	x, w := b.f(o.X), b.f(o.Weight)
	dz := b.through(o.Act, o.Rule, o.DY, o.Y)
	b.each(o.DX, func(i int) (s float64) {
		r, d := i/o.D, i%o.D
		for k := range o.OD {
			s += dz[r*o.OD+k] * float64(w[k*o.D+d])
		}
		return s
	})
	b.each(o.DWeight, func(i int) (s float64) {
		k, d := i/o.D, i%o.D
		for r := range o.R {
			s += dz[r*o.OD+k] * float64(x[r*o.D+d])
		}
		return s
	})
	b.columns(o.DBias, dz, o.OD)
	b.each(o.DResidual, func(i int) float64 { return dz[i] })
}
