package cpu

import "truegrain/kernels"

// ReLU is max(x, 0); NaN stays NaN.
func (b *Backend) ReLU(op kernels.ReLU) {
	x, y := floats(op.X), floats(op.Y)
	b.elements(op.N, func(lo, hi int) { rectify(y[lo:hi], x[lo:hi]) })
}

func rectify(y, x []float32) {
	for i, v := range x {
		if v < 0 {
			v = 0
		}
		y[i] = v
	}
}

// ReLUBackward follows the rule.
func (b *Backend) ReLUBackward(op kernels.ReLUGrad) {
	y, dy := floats(op.Y), floats(op.DY)
	b.gradient(op.DX, func(dst []float32, lo, hi int) { reluRule(op.Rule, dst, y[lo:hi], dy[lo:hi]) })
}
