package cpu

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

func BenchmarkLinear(b *testing.B) {
	for _, s := range []struct{ r, d, od int }{{197, 1024, 4096}, {788, 1024, 4096}, {788, 1024, 3072},
		{1, 2048, 1000}, {32, 2048, 2}} {
		b.Run(fmt.Sprintf("%dx%d-%d", s.r, s.d, s.od), func(b *testing.B) {
			benchLevels(b, func(b *testing.B, be *Backend) {
				rng := rand.New(rand.NewPCG(1, 1))
				x, w, dy := randomFloats(rng, s.r*s.d), randomFloats(rng, s.od*s.d), randomFloats(rng,
					s.r*s.od)
				y, dx, dw := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))
				op := kernels.Linear{R: s.r, D: s.d, OD: s.od, X: of(x), Weight: of(w), Y: of(y)}
				toX := kernels.LinearGrad{Linear: op, DY: of(dy), DX: written(dx)}
				toW := kernels.LinearGrad{Linear: op, DY: of(dy), DWeight: written(dw)}
				be.Linear(op)
				be.LinearBackward(toX)
				be.LinearBackward(toW)
				yy, xx, ww := dot(y, dy), dot(x, dx), dot(w, dw) // the three products are adjoint
				require.InDelta(b, yy.value, xx.value, 1e-6*yy.size)
				require.InDelta(b, yy.value, ww.value, 1e-6*yy.size)
				b.Run("y", func(b *testing.B) { measure(b, be, op.Cost(), func() { be.Linear(op) }) })
				b.Run("dx", func(b *testing.B) {
					measure(b, be, op.Cost(),
						func() { be.LinearBackward(toX) })
				})
				b.Run("dw", func(b *testing.B) {
					measure(b, be, op.Cost(),
						func() { be.LinearBackward(toW) })
				})
			})
		})
	}
}
