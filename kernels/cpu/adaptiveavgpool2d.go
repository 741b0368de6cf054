package cpu

import "truegrain/kernels"

func (b *Backend) adaptive(op kernels.AdaptiveAvgPool2D) *resampling {
	s := b.resampling(op.B, op.H, op.W, op.C, op.OH, op.OW)
	for i := range op.OH {
		lo, hi := op.Range(i, op.H, op.OH)
		s.rows.average(lo, hi-lo, hi-lo)
	}
	for i := range op.OW {
		lo, hi := op.Range(i, op.W, op.OW)
		s.cols.average(lo, hi-lo, hi-lo)
	}
	return s
}

// AdaptiveAvgPool2D averages the rows and columns that each output covers.
func (b *Backend) AdaptiveAvgPool2D(op kernels.AdaptiveAvgPool2D) {
	b.resample(b.adaptive(op), floats(op.X), floats(op.Y), 0)
}

// AdaptiveAvgPool2DBackward spreads dy over them.
func (b *Backend) AdaptiveAvgPool2DBackward(op kernels.AdaptiveAvgPool2DGrad) {
	b.resampleBackward(b.adaptive(op.AdaptiveAvgPool2D), op.DX, floats(op.DY))
}
