package autograd_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/tensor"
)

func TestMemoryReturnsToTheBaseline(t *testing.T) {
	be := ref.Open64()
	m := newSmall(t, be)
	x := m.input(be, 2)
	for name, opts := range map[string][]autograd.Option{
		"train":     {autograd.WithGrad(), autograd.WithTrain()},
		"inference": nil,
		"explain":   {autograd.WithTaps("conv2", "block.attention"), autograd.WithTapGrads()},
	} {
		t.Run(name, func(t *testing.T) {
			pool := autograd.NewPool(be)
			tape := autograd.NewTape(be, append(opts, autograd.WithPool(pool))...)
			var held int64
			for i := range 50 {
				_, _, err := m.learn(tape, x)
				require.NoError(t, err)
				require.Positive(t, pool.Live())
				tape.Reset()
				require.Zero(t, pool.Live())
				if i == 0 {
					held = pool.Held()
				}
				require.Equal(t, held, pool.Held(), "run %d took new memory", i)
			}
		})
	}
}

// What comes back to the pool is spoilt at once: whoever still reads it makes NaN of the loss or of a
// gradient.
func TestNothingIsReadAfterItsRelease(t *testing.T) {
	for _, spec := range []string{"ref", "ref:float64", "cpu"} {
		t.Run(spec, func(t *testing.T) {
			be, err := kernels.Open(spec)
			require.NoError(t, err)
			defer be.Close()
			run := func(pool *autograd.Pool) (all []float32) {
				m := newSmall(t, be)
				tape := autograd.NewTape(be, autograd.WithGrad(), autograd.WithTrain(),
					autograd.WithPool(pool), autograd.WithSeed(1, 2),
					autograd.WithTaps("conv2", "block.attention"), autograd.WithTapGrads())
				defer tape.Reset()
				loss, dx, err := m.learn(tape, m.input(be, 2))
				require.NoError(t, err)
				all = append(dx, float32(loss))
				for _, p := range m.params() {
					all = append(all, p.Grad().Float32s(be)...)
				}
				require.Equal(t, []string{"block.attention", "conv2"}, tape.TapNames())
				for _, name := range tape.TapNames() {
					all = append(all, tape.Tapped(name).Float32s(be)...)
				}
				return append(all, tape.Tapped("conv2").Gradient().Float32s(be)...)
			}
			got := run(autograd.Spoil(autograd.NewPool(be)))
			for i, v := range got {
				require.False(t, math.IsNaN(float64(v)), "value %d of %d is NaN", i, len(got))
			}
			require.Equal(t, run(autograd.NewPool(be)), got)
		})
	}
}

func TestInferenceKeepsTheResultOnly(t *testing.T) {
	be := ref.Open64()
	m := newSmall(t, be)
	pool := autograd.Spoil(autograd.NewPool(be))
	tape := autograd.NewTape(be, autograd.WithPool(pool))
	defer tape.Reset()
	y := m.logits(tape, tape.Const(m.input(be, 1)))
	require.Equal(t, int64(16*8), pool.Live(), "one size class of two float64")
	require.False(t, math.IsNaN(y.Float64s(be)[0]))
	require.Error(t, tape.Backward(tape.Sum(y)), "nothing was recorded to go back")
}

func TestBackwardLetsGoOnItsWay(t *testing.T) {
	be := ref.Open64()
	m := newSmall(t, be)
	pool := autograd.NewPool(be)
	tape := autograd.NewTape(be, autograd.WithGrad(), autograd.WithTrain(), autograd.WithPool(pool))
	defer tape.Reset()
	l := tape.Scope(func() *autograd.Var { return tape.Sum(m.logits(tape, tape.Const(m.input(be, 2)))) })
	before := pool.Live()
	require.NoError(t, tape.Backward(l))
	require.Less(t, pool.Live(), before/10, "the loss is left")
}

func TestSequenceLeavesItsInputAlone(t *testing.T) {
	be := ref.Open64()
	tape := autograd.NewTape(be, autograd.WithPool(autograd.Spoil(autograd.NewPool(be))))
	defer tape.Reset()
	x := tape.Upload(tensor.FromSlice([]float64{1, 2}, 2))
	y := tape.Sequence(x, func(x *autograd.Var) *autograd.Var { return tape.Dropout(x, 0.5) }, tape.Sigmoid,
		tape.ReLU)
	sum := tape.Add(x, y)
	require.InDelta(t, 1+1/(1+math.Exp(-1)), sum.Float64s(be)[0], 1e-12)
}

// scarce is a backend whose memory ends after some allocations.
type scarce struct {
	kernels.Backend
	left int
}

func (s *scarce) Alloc(d kernels.DType, n int) (kernels.Buf, error) {
	if s.left--; s.left < 0 {
		return kernels.Buf{}, kernels.ErrOutOfMemory
	}
	return s.Backend.Alloc(d, n)
}

// Wherever memory ends, forward or backward, it is an error and no panic, and what was taken comes back.
func TestExhaustedMemoryIsAnError(t *testing.T) {
	be := &scarce{Backend: ref.Open64(), left: 1 << 30}
	failures := 0
	for left := 0; ; left++ {
		m := newSmall(t, be)
		x := m.input(be, 1)
		pool := autograd.NewPool(be)
		tape := autograd.NewTape(be, autograd.WithGrad(), autograd.WithTrain(), autograd.WithPool(pool),
			autograd.WithTaps("conv2", "block.attention"), autograd.WithTapGrads())
		be.left = left
		_, _, err := m.learn(tape, x)
		be.left = 1 << 30
		tape.Reset()
		require.Zero(t, pool.Live(), "%d allocations", left)
		if err == nil {
			break
		}
		require.ErrorIs(t, err, kernels.ErrOutOfMemory, "%d allocations", left)
		failures++
	}
	require.Greater(t, failures, 20)
}
