package cpu

import "truegrain/kernels"

// Normalize is (x/255 − mean)/std of each channel, looked up.
func (b *Backend) Normalize(op kernels.Normalize) {
	table := op.Table()
	x, y := kernels.Floats[uint8](op.X), floats(op.Y)
	b.parallel(op.N, copyGrain/4, func(lo, hi int) {
		for i := 3 * lo; i < 3*hi; i += 3 {
			y[i], y[i+1], y[i+2] = table[0][x[i]], table[1][x[i+1]], table[2][x[i+2]]
		}
	})
}
