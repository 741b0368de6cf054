package optim_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/tensor"
	"truegrain/train/optim"
)

// quadratic is ½·mean (p − 3)² and its gradient, one step of it.
func quadratic(t *testing.T, p *autograd.Param) float64 {
	p.ZeroGrad()
	tape := autograd.NewTape(p.Backend(), autograd.WithGrad())
	defer tape.Reset()
	target := tape.Upload(tensor.FromSlice([]float64{3, 3}, 2))
	loss := tape.Scale(tape.MSE(tape.Param(p), target), 0.5)
	require.NoError(t, tape.Backward(loss))
	v, err := loss.Scalar()
	require.NoError(t, err)
	return v
}

func TestOptimisersReachTheMinimum(t *testing.T) {
	for _, name := range optim.Names {
		t.Run(name, func(t *testing.T) {
			p, err := autograd.NewParam(ref.Open64(), "p", autograd.Plain, 2)
			require.NoError(t, err)
			opt, err := optim.New(name, []*autograd.Param{p}, optim.Options{Momentum: 0.5})
			require.NoError(t, err)
			first := quadratic(t, p)
			for range 300 {
				quadratic(t, p)
				opt.Step(0.1)
			}
			require.Less(t, quadratic(t, p), first*1e-4)
		})
	}
}

// Two steps of momentum by hand: v = g1, then 0.9·g1 + g2; gradients of ½·mean(p−3)² are (p−3)/2.
func TestMomentumByHand(t *testing.T) {
	p, err := autograd.NewParam(ref.Open64(), "p", autograd.Plain, 2)
	require.NoError(t, err)
	opt, err := optim.New("sgd", []*autograd.Param{p}, optim.Options{Momentum: 0.9})
	require.NoError(t, err)
	for range 2 {
		quadratic(t, p)
		opt.Step(0.1)
	}
	g1 := -1.5
	p1 := -0.1 * g1
	g2 := (p1 - 3) / 2
	want := p1 - 0.1*(0.9*g1+g2)
	require.InDelta(t, want, kernels.Floats[float64](p.Value.Buf)[0], 1e-12)
}

func TestParameterWithoutGradientStays(t *testing.T) {
	p, err := autograd.NewParam(ref.Open64(), "p", autograd.Plain, 2)
	require.NoError(t, err)
	opt, err := optim.New("adamw", []*autograd.Param{p}, optim.Options{WeightDecay: 1})
	require.NoError(t, err)
	p.Backend().Fill(p.Value.Buf, 1)
	opt.Step(0.1)
	require.Equal(t, []float64{1, 1}, kernels.Floats[float64](p.Value.Buf))
}

func TestUnknownOptimiserIsRefused(t *testing.T) {
	_, err := optim.New("lion", nil, optim.Options{})
	require.ErrorContains(t, err, "adamw")
}

func TestSteps(t *testing.T) {
	s := optim.Steps(1, 10, 0.5)
	require.Equal(t, []float64{1, 1, 0.5, 0.25}, []float64{s(0), s(9), s(10), s(20)})
	require.Equal(t, 3.0, optim.Constant(3)(99))
}

func TestCosineBehindAWarmup(t *testing.T) {
	s := optim.Warmup(10, optim.Cosine(1, 0.01, 100))
	require.InDelta(t, 0.1, s(0), 1e-12)
	require.InDelta(t, 1, s(10), 1e-12)
	require.InDelta(t, 0.01+0.99/2, s(60), 1e-12)
	require.InDelta(t, 0.01, s(110), 1e-12)
	require.False(t, math.IsNaN(s(1000)))
}

func TestPhasesFollowOneAnother(t *testing.T) {
	s := optim.Phases(optim.Phase{Updates: 5, Schedule: optim.Constant(0.05)},
		optim.Phase{Updates: 5, Schedule: optim.Steps(1e-5, 2, 0.1)})
	require.InDeltaSlice(t, []float64{0.05, 0.05, 1e-5, 1e-5, 1e-6, 1e-7},
		[]float64{s(0), s(4), s(5), s(6), s(7), s(9)}, 1e-18)
}
