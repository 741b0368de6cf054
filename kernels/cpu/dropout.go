package cpu

import "truegrain/kernels"

// dropMask calls f with the factor of each element lo..hi-1: 0, or 1/(1−P). One Philox block serves four
// elements.
func dropMask(op kernels.Dropout, lo, hi int, f func(i int, factor float32)) {
	philox := kernels.NewPhilox(op.Seed)
	keep := float32(0)
	if op.P < 1 {
		keep = float32(1 / (1 - op.P))
	}
	var words [4]uint32
	for i := lo; i < hi; i++ {
		if i == lo || i%4 == 0 {
			block := uint64(i / 4)
			words = philox.Block([4]uint32{uint32(block), uint32(block >> 32), op.Node, op.Step})
		}
		if float64(kernels.Unit(words[i%4])) < op.P {
			f(i, 0)
		} else {
			f(i, keep)
		}
	}
}

// Dropout zeroes elements at random and scales the rest.
func (b *Backend) Dropout(op kernels.Dropout) {
	x, y := floats(op.X), floats(op.Y)
	b.elements(op.N, func(lo, hi int) {
		dropMask(op, lo, hi, func(i int, factor float32) { y[i] = x[i] * factor })
	})
}

// DropoutBackward draws the same mask again.
func (b *Backend) DropoutBackward(op kernels.DropoutGrad) {
	dy := floats(op.DY)
	b.gradient(op.DX, func(dst []float32, lo, hi int) {
		dropMask(op.Dropout, lo, hi, func(i int, factor float32) { dst[i-lo] = dy[i] * factor })
	})
}
