package cpu

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

func TestMemoryConverts(t *testing.T) {
	b := testBackend(t, generic)
	values := []float64{0, 1, -2.5, 3, 100}
	for _, from := range []kernels.DType{kernels.F32, kernels.F64, kernels.BF16} {
		for _, to := range []kernels.DType{kernels.F32, kernels.F64, kernels.BF16} {
			x, err := b.Alloc(from, len(values))
			require.NoError(t, err)
			y, err := b.Alloc(to, len(values))
			require.NoError(t, err)
			got := make([]float64, len(values))

			b.Upload(x, kernels.Of(values))
			b.Upload(y, x)
			b.Download(kernels.Of(got), y)
			require.Equal(t, values, got, "%v to %v", from, to)

			b.Fill(y, -2)
			b.Download(kernels.Of(got), y)
			require.Equal(t, []float64{-2, -2, -2, -2, -2}, got)
			b.Free(x)
		}
	}
}

func TestMemoryRefuses(t *testing.T) {
	b := testBackend(t, generic)
	_, err := b.Alloc(kernels.F32, 1<<62)
	require.ErrorIs(t, err, kernels.ErrOutOfMemory)

	var arg *kernels.ArgError
	require.ErrorAs(t, caught(func() {
		b.Upload(kernels.Of(make([]float32, 3)),
			kernels.Of(make([]float32, 4)))
	}), &arg)
	var buf *kernels.BufError
	require.ErrorAs(t, caught(func() {
		b.Copy(kernels.Of(make([]float32, 3)),
			kernels.Of(make([]float64, 3)))
	}), &buf)
}

// caught is the error that f panics with, or nil.
func caught(f func()) (err error) {
	defer func() { err, _ = recover().(error) }()
	f()
	return nil
}
