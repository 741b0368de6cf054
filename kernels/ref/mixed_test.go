package ref_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// 1 + 2⁻⁹ is no bfloat16 and rounds to 1; sums stay in float32, and so do results and gradients.
func TestMixedRoundsOperandsOnly(t *testing.T) {
	be, ok := ref.Open32().(kernels.Mixed).Mixed()
	require.True(t, ok)
	const odd = 1 + 1.0/512
	x, w, y := []float32{odd, 1}, []float32{odd, odd}, make([]float32, 1)
	op := kernels.Linear{R: 1, D: 2, OD: 1, X: kernels.Of(x), Weight: kernels.Of(w),
		Bias: kernels.Of([]float32{odd}), Y: kernels.Of(y)}
	be.Linear(op)
	require.Equal(t, []float32{2 + odd}, y, "the bias is none of its operands")
	dx, dw := make([]float32, 2), make([]float32, 2)
	be.LinearBackward(kernels.LinearGrad{Linear: op, DY: kernels.Of([]float32{3 * odd}),
		DX: kernels.Grad{Buf: kernels.Of(dx)}, DWeight: kernels.Grad{Buf: kernels.Of(dw), Acc: true}})
	require.Equal(t, []float32{3, 3}, dx)
	require.Equal(t, []float32{3, 3}, dw)
	require.Equal(t, []float32{odd, 1}, x, "nobody's memory is changed")
	require.Equal(t, []float32{odd, odd}, w)

	be.Conv2D(kernels.Conv2D{Window: kernels.Window{KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1},
		B: 1, H: 1, W: 1, C: 2, OC: 1, Groups: 1, X: kernels.Of(x), Weight: kernels.Of(w), Y: kernels.Of(y)})
	require.Equal(t, []float32{2}, y)
	_, ok = ref.Open64().(kernels.Mixed).Mixed()
	require.False(t, ok)
}
