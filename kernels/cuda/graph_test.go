//go:build emu

package cuda

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/tensor"
)

// TestGraphReplays records a column sum, whose partial sums lie in scratch memory, and replays it on new
// values after that memory would have been given out again.
func TestGraphReplays(t *testing.T) {
	d := emuDevice(t, "check,1")
	x, y := alloc(t, d, kernels.F32, make([]float64, 600*2)...), alloc(t, d, kernels.F32, 7, 7)
	g, err := d.Capture(func() { d.Sum(kernels.Sum{Outer: 1, N: 600, Inner: 2, Scale: 1, X: x, Y: y}) })
	require.NoError(t, err)
	require.Equal(t, []float64{7, 7}, read(d, y), "recording runs nothing")
	for v := range 3 {
		d.Fill(x, float64(v))
		other := alloc(t, d, kernels.F32, make([]float64, 6)...)
		require.NoError(t, g.Replay())
		require.Equal(t, []float64{600 * float64(v), 600 * float64(v)}, read(d, y))
		require.Equal(t, make([]float64, 6), read(d, other))
		d.Free(other)
	}
	before := d.Stats().Buffers
	require.NoError(t, g.Close())
	require.Less(t, d.Stats().Buffers, before, "the graph's memory is given back")
}

func TestPanicEndsACapture(t *testing.T) {
	d := emuDevice(t, "")
	x := alloc(t, d, kernels.F32, 1, 2)
	require.Error(t, tensor.Catch(func() {
		_, _ = d.Capture(func() { d.Add(kernels.Add{N: 2, A: x, B: kernels.Of([]float32{1, 2}), Y: x}) })
	}))
	d.Add(kernels.Add{N: 2, A: x, B: x, Y: x})
	require.Equal(t, []float64{2, 4}, read(d, x))
}
