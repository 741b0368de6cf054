package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// TestReLUMasks compares the masks with comparisons, on every kind of float32.
func TestReLUMasks(t *testing.T) {
	inf := float32(math.Inf(1))
	kinds := []float32{0, float32(math.Copysign(0, -1)), 1, -1, inf, -inf, nan, -nan,
		math.SmallestNonzeroFloat32,
		-math.SmallestNonzeroFloat32, math.MaxFloat32, -math.MaxFloat32}
	for _, y := range kinds {
		for _, dy := range kinds {
			rectified, gradient, guided := max(dy, 0), float32(0), float32(0)
			if y > 0 {
				gradient, guided = dy, rectified
			}
			for rule, want := range map[kernels.ReLURule]float32{
				kernels.Gradient: gradient, kernels.Guided: guided, kernels.Deconvnet: rectified} {
				dz := make([]float32, 1)
				gateGo(dz, []float32{y}, []float32{dy}, gatesOf(rule))
				require.Equal(t, fmt.Sprint(want), fmt.Sprint(dz[0]), "%v y %v dy %v", rule, y, dy)
			}
		}
	}
}

func BenchmarkReLU(b *testing.B) {
	be := testBackend(b, levels[0])
	rng := rand.New(rand.NewPCG(1, 1))
	const n = 1 << 20
	x, y := randomFloats(rng, n), make([]float32, n)
	op := kernels.ReLU{N: n, X: of(x), Y: of(y)}
	back := kernels.ReLUGrad{ReLU: op, DY: of(x), DX: written(make([]float32, n))}
	for name, f := range map[string]func(){"y": func() { be.ReLU(op) },
		"dx": func() { be.ReLUBackward(back) }} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(8*n*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
		})
	}
}
