package cpu

import "truegrain/kernels"

func adaptive(op kernels.AdaptiveAvgPool2D) resampling {
	parts := func(n, out int) (a axisMap) {
		for i := range out {
			lo, hi := op.Range(i, n, out)
			a.average(lo, hi-lo, hi-lo)
		}
		return a
	}
	return resampling{op.B, op.H, op.W, op.C, op.OH, op.OW, parts(op.H, op.OH), parts(op.W, op.OW)}
}

// AdaptiveAvgPool2D averages the rows and columns that each output covers.
func (b *Backend) AdaptiveAvgPool2D(op kernels.AdaptiveAvgPool2D) {
	b.resample(adaptive(op), floats(op.X), floats(op.Y), 0)
}

// AdaptiveAvgPool2DBackward spreads dy over them.
func (b *Backend) AdaptiveAvgPool2DBackward(op kernels.AdaptiveAvgPool2DGrad) {
	b.resampleBackward(adaptive(op.AdaptiveAvgPool2D), op.DX, floats(op.DY))
}
