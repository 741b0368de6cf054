package autograd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/tensor"
)

// Two segments with a parameter, batch norm and a shortcut: result, gradients and running statistics are
// those of a tape that keeps everything, and all memory comes back.
func TestRecompute(t *testing.T) {
	be := ref.Open64()
	run := func(opts ...autograd.Option) (out [][]float64) {
		params := map[string]*autograd.Param{}
		for name, shape := range map[string][]int{"w": {4, 4}, "gamma": {4}, "beta": {4}, "mean": {4},
			"var": {4}} {
			p, err := autograd.NewParam(be, name, autograd.Plain, shape...)
			require.NoError(t, err)
			for i := range p.Value.Len() {
				kernels.Floats[float64](p.Value.Buf)[i] = float64(i%5) - 1.5
			}
			params[name] = p
		}
		pool := autograd.NewPool(be)
		opts = append(opts, autograd.WithGrad(), autograd.WithTrain(), autograd.WithPool(pool))
		tape := autograd.NewTape(be, opts...)
		segment := func(t *autograd.Tape, x *autograd.Var) *autograd.Var {
			y := t.Linear(x, t.Param(params["w"]), nil, nil, kernels.NoActivation)
			y = t.BatchNorm(y, t.Param(params["gamma"]), t.Param(params["beta"]), nil, autograd.BatchNorm{
				RunningMean: params["mean"], RunningVar: params["var"], Eps: 1e-5, Momentum: 0.1, ReLU: true})
			return t.Add(y, x)
		}
		x := tape.Input(tensor.FromSlice([]float64{1, -1, 2, 0.5, 3, -2, 0.1, 1, 0, 0.3, -4, 2}, 3, 4))
		y := tape.Recompute(tape.Recompute(x, segment), segment)
		require.NoError(t, tape.Backward(tape.Mean(tape.Mul(y, y))))
		out = append(out, y.Float64s(be), x.Gradient().Float64s(be), params["mean"].Value.Float64s(be))
		for _, name := range []string{"w", "gamma", "beta"} {
			out = append(out, params[name].Grad().Float64s(be))
		}
		tape.Reset()
		require.Zero(t, pool.Live())
		return out
	}
	require.Equal(t, run(), run(autograd.WithRecompute()))
}

// The mask of dropout is the same both times, and segments have masks of their own.
func TestRecomputedDropout(t *testing.T) {
	be := ref.Open64()
	tape := autograd.NewTape(be, autograd.WithGrad(), autograd.WithTrain(), autograd.WithRecompute())
	drop := func(t *autograd.Tape, x *autograd.Var) *autograd.Var { return t.Dropout(x, 0.5) }
	x := tape.Input(tensor.FromSlice([]float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 16))
	one, two := tape.Recompute(x, drop), tape.Recompute(x, drop)
	require.NotEqual(t, one.Float64s(be), two.Float64s(be))
	require.NoError(t, tape.Backward(tape.Sum(one)))
	require.Equal(t, one.Float64s(be), x.Gradient().Float64s(be))
}

// A part in which nothing wants a gradient gets none.
func TestRecomputeOfFrozenParts(t *testing.T) {
	be := ref.Open64()
	w, err := autograd.NewParam(be, "w", autograd.Plain, 2, 2)
	require.NoError(t, err)
	w.Frozen = true
	tape := autograd.NewTape(be, autograd.WithGrad(), autograd.WithRecompute())
	y := tape.Recompute(tape.Const(tensor.FromSlice([]float64{1, 2}, 1, 2)),
		func(t *autograd.Tape, x *autograd.Var) *autograd.Var {
			return t.Linear(x, t.Param(w), nil, nil, kernels.NoActivation)
		})
	require.False(t, y.WantsGrad())
	require.Error(t, tape.Backward(tape.Sum(y)))
}
