package autograd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/tensor"
)

// dropped is dropout of n ones on a backend.
func dropped(t *testing.T, be kernels.Backend, n int, p float64, opts ...autograd.Option) []float32 {
	tape := autograd.NewTape(be, opts...)
	defer tape.Reset()
	ones := make([]float32, n)
	for i := range ones {
		ones[i] = 1
	}
	v, err := tape.Dropout(tape.Upload(tensor.FromSlice(ones, n)), p).Values()
	require.NoError(t, err)
	return v
}

func TestDropoutIsTheSameOnEveryBackend(t *testing.T) {
	const n, p = 100_003, 0.25
	opts := []autograd.Option{autograd.WithTrain(), autograd.WithSeed(5, 6)}
	want := dropped(t, ref.Open32(), n, p, opts...)
	kept := 0
	for _, v := range want {
		if v != 0 {
			require.InDelta(t, 1/(1-p), v, 1e-6)
			kept++
		}
	}
	require.InDelta(t, 1-p, float64(kept)/n, 0.006, "more than four standard deviations off")
	for _, dev := range kernels.Devices() {
		if dev.Err != nil {
			continue
		}
		be, err := kernels.Open(dev.Spec)
		require.NoError(t, err)
		require.Equal(t, want, dropped(t, be, n, p, opts...), dev.Spec)
		require.Equal(t, want[:777], dropped(t, be, 777, p, opts...),
			"%s: a shorter run of the same elements", dev.Spec)
		require.NoError(t, be.Close())
	}
}

func TestDropoutDependsOnSeedStepAndPlace(t *testing.T) {
	be := ref.Open32()
	mask := func(seed uint64, step uint32) []float32 {
		return dropped(t, be, 64, 0.5, autograd.WithTrain(), autograd.WithSeed(seed, step))
	}
	require.Equal(t, mask(1, 1), mask(1, 1))
	require.NotEqual(t, mask(1, 1), mask(2, 1))
	require.NotEqual(t, mask(1, 1), mask(1, 2))

	tape := autograd.NewTape(be, autograd.WithTrain())
	defer tape.Reset()
	x := tape.Upload(tensor.FromSlice(mask(1, 1), 64))
	require.NotEqual(t, tape.Dropout(x, 0.5).Float32s(be), tape.Dropout(x, 0.5).Float32s(be))
}

func TestDropoutOutsideTrainingIsItsOperand(t *testing.T) {
	tape := autograd.NewTape(ref.Open32())
	x := tape.Zeros(3)
	require.Same(t, x, tape.Dropout(x, 0.9))
	var arg *kernels.ArgError
	require.ErrorAs(t, tensor.Catch(func() { tape.Dropout(x, 1.5) }), &arg)
}
