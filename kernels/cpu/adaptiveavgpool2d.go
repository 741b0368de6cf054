package cpu

import "truegrain/kernels"

func adaptivePool(op kernels.AdaptiveAvgPool2D) averages {
	return averages{op.B, op.H, op.W, op.C, op.OH, op.OW, func(i, j int) box {
		top, bottom := op.Range(i, op.H, op.OH)
		left, right := op.Range(j, op.W, op.OW)
		return box{top, bottom, left, right, 1 / float32((bottom-top)*(right-left))}
	}}
}

// AdaptiveAvgPool2D averages the rows and columns that each output covers.
func (b *Backend) AdaptiveAvgPool2D(op kernels.AdaptiveAvgPool2D) {
	adaptivePool(op).forward(b, floats(op.X), floats(op.Y))
}

// AdaptiveAvgPool2DBackward spreads dy over them.
func (b *Backend) AdaptiveAvgPool2DBackward(op kernels.AdaptiveAvgPool2DGrad) {
	if op.DX.Wanted() {
		adaptivePool(op.AdaptiveAvgPool2D).backward(b, b.zeroed(op.DX), floats(op.DY))
	}
}
