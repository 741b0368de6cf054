package autograd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/tensor"
)

// One forward pass that is sent back by every rule, twice, gives what a tape of its own gives for each,
// whatever ran before; and everything comes back with Reset.
func TestBackwardRepeats(t *testing.T) {
	be := ref.Open64()
	m := newSmall(t, be)
	x := m.input(be, 2)
	dy := tensor.FromSlice([]float64{-1, 1, -1, 1}, 2, 2)
	rules := []kernels.ReLURule{kernels.Gradient, kernels.Guided, kernels.Deconvnet}
	gradients := func(tape *autograd.Tape, in, y *autograd.Var) (pic, tap []float64) {
		require.NoError(t, tape.BackwardFrom(y, dy))
		return in.Gradient().Float64s(be), tape.Tapped("conv2").Gradient().Float64s(be)
	}
	taps := []autograd.Option{autograd.WithTaps("conv2"), autograd.WithTapGrads()}
	want := map[kernels.ReLURule][2][]float64{}
	for _, rule := range rules {
		tape := autograd.NewTape(be, append(taps, autograd.WithReLURule(rule))...)
		in := tape.Input(x)
		pic, tap := gradients(tape, in, m.logits(tape, in))
		want[rule] = [2][]float64{pic, tap}
		tape.Reset()
	}
	require.NotEqual(t, want[kernels.Gradient], want[kernels.Guided])

	pool := autograd.Spoil(autograd.NewPool(be))
	tape := autograd.NewTape(be, append(taps, autograd.WithRepeat(), autograd.WithPool(pool))...)
	for range 2 {
		in := tape.Input(x)
		y := m.logits(tape, in)
		for _, rule := range append(rules, rules...) {
			tape.SetReLURule(rule)
			pic, tap := gradients(tape, in, y)
			require.Equal(t, want[rule], [2][]float64{pic, tap}, rule.String())
		}
		tape.Reset()
		require.Zero(t, pool.Live())
	}
}

// Parameters add up over the passes, as over several tapes.
func TestRepeatedBackwardAddsUpInParameters(t *testing.T) {
	be := ref.Open64()
	p := param(t, be, "p", 1)
	tape := autograd.NewTape(be, autograd.WithGrad(), autograd.WithRepeat())
	defer tape.Reset()
	y := tape.Scale(tape.Param(p), 3)
	for _, sum := range []float64{3, 6} {
		require.NoError(t, tape.Backward(y))
		require.Equal(t, []float64{sum}, p.Grad().Float64s(be))
	}
}
