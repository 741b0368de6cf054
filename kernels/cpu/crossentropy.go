package cpu

import (
	"math"
	"unsafe"

	"truegrain/kernels"
)

// CrossEntropy is the mean of log Σ exp x − x[t].
func (b *Backend) CrossEntropy(op kernels.CrossEntropy) {
	x, t, lse := floats(op.X), kernels.Floats[int32](op.T), floats(op.LSE)
	b.mean(op.Y, op.R, rowGrain(op.D), func(lo, hi int) (sum float64) {
		e := b.scratch.get(op.D)
		defer b.scratch.put(e)
		for r := lo; r < hi; r++ {
			row := x[r*op.D:][:op.D]
			peak, total := b.level.vmath.expRow(e, row)
			l := float64(peak) + math.Log(total)
			lse[r] = float32(l)
			sum += l - float64(row[t[r]])
		}
		return sum
	})
}

// CrossEntropyBackward is dx = dy/R·(softmax − one-hot).
func (b *Backend) CrossEntropyBackward(op kernels.CrossEntropyGrad) {
	if !op.DX.Wanted() {
		return
	}
	exactly("CrossEntropyBackward", "DX", op.DX.Buf, op.R*op.D)
	exactly("CrossEntropyBackward", "X", op.X, op.R*op.D)
	scale := lossScale(op.DY, op.R)
	b.parallel(op.R, rowGrain(op.D), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			b.crossEntropyRow(op, r, scale)
		}
	})
}

// crossEntropyRow gives the class that is right a gradient of its own, p − 1, rounded once.
func (b *Backend) crossEntropyRow(op kernels.CrossEntropyGrad, r int, scale float32) {
	d, target, lse := op.D, kernels.Floats[int32](op.T)[r], floats(op.LSE)[r]
	x, dx := floats(op.X)[r*d:][:d], floats(op.DX.Buf)[r*d:][:d]
	flags := 0
	before := dx[target]
	if op.DX.Acc {
		flags = flagAdd
	}
	right := float32((math.Exp(float64(x[target])-float64(lse)) - 1) * float64(scale))
	pieces(d, func(lo, n int) {
		b.level.vmath.losses.crossEntropyGrad(&dx[lo], &x[lo], n, lse, scale, flags)
	})
	dx[target] = before
	put(&dx[target], right, flags)
}

// crossEntropyGradGo is dx = exp(x − lse)·scale.
func crossEntropyGradGo(dx, x *float32, n int, lse, scale float32, flags int) {
	out := unsafe.Slice(dx, n)
	for i, v := range unsafe.Slice(x, n) {
		put(&out[i], exp32(v-lse)*scale, flags)
	}
}
