package cpu

import (
	"math"
	"unsafe"

	"truegrain/kernels"
)

// Dropout zeroes elements at random and scales the rest.
func (b *Backend) Dropout(op kernels.Dropout) {
	b.drop("Dropout", op, kernels.Grad{Buf: op.Y}, op.X)
}

// DropoutBackward draws the same mask again.
func (b *Backend) DropoutBackward(op kernels.DropoutGrad) {
	if op.DX.Wanted() {
		b.drop("DropoutBackward", op.Dropout, op.DX, op.DY)
	}
}

func (b *Backend) drop(name string, op kernels.Dropout, to kernels.Grad, from kernels.Buf) {
	exactly(name, "X", from, op.N)
	exactly(name, "Y", to.Buf, op.N)
	x, y := floats(from), floats(to.Buf)
	least, keep := threshold(op.P)
	key := kernels.NewPhilox(op.Seed).Key
	flags, step := b.storing(to, 16), op.StepOnHost()
	b.elements(op.N, func(lo, hi int) {
		b.level.vmath.dropout(&y[lo], &x[lo], hi-lo, uint64(lo/4), key[0], key[1], op.Node, step, least, keep,
			flags)
	})
}

// threshold says which elements dropout keeps, those with at least so large a number of 24 random bits, and
// what they are multiplied by.
func threshold(p float64) (least uint32, keep float32) {
	if p >= 1 {
		return 0, 0
	}
	return uint32(math.Ceil(p * (1 << 24))), float32(1 / (1 - p))
}

// dropKernel is y = x·keep where the element's random word over 256 is at least least, else x·0. block is the
// Philox block of the first element.
type dropKernel func(y, x *float32, n int, block uint64, key0, key1, node, step, least uint32, keep float32,
	flags int)

// dropoutGo is the kernel in Go.
func dropoutGo(
	y, x *float32, n int, block uint64, key0, key1, node, step, least uint32, keep float32, flags int,
) {
	philox := kernels.Philox{Key: [2]uint32{key0, key1}}
	out := unsafe.Slice(y, n)
	var words [4]uint32
	for i, v := range unsafe.Slice(x, n) {
		if i%4 == 0 {
			words = philox.Block([4]uint32{uint32(block), uint32(block >> 32), node, step})
			block++
		}
		factor := keep
		if words[i%4]>>8 < least {
			factor = 0
		}
		put(&out[i], v*factor, flags)
	}
}
