package autograd_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/tensor"
)

func vector(v ...float64) tensor.Tensor { return tensor.FromSlice(v, len(v)) }

func TestOneValueTwiceInOneOp(t *testing.T) {
	be := ref.Open64()
	tape := autograd.NewTape(be)
	x := tape.Input(vector(3, -2))
	require.NoError(t, tape.Backward(tape.Sum(tape.Mul(x, x))))
	require.Equal(t, []float64{6, -4}, x.Gradient().Float64s(be))
}

func TestAParameterUsedTwice(t *testing.T) {
	be := ref.Open64()
	p := param(t, be, "p", 2)
	be.Upload(p.Value.Buf, kernels.Of([]float64{3, 5}))
	tape := autograd.NewTape(be, autograd.WithGrad())
	y := tape.Add(tape.Scale(tape.Param(p), 2), tape.Mul(tape.Param(p), tape.Const(vector(10, 20))))
	require.NoError(t, tape.Backward(tape.Sum(y)))
	require.Equal(t, []float64{12, 22}, p.Grad().Float64s(be))
}

func TestGradientsOfSeveralTapesAddUp(t *testing.T) {
	be := ref.Open64()
	p := param(t, be, "p", 1)
	require.True(t, p.Grad().IsZero())
	step := func(k float64) {
		tape := autograd.NewTape(be, autograd.WithGrad())
		defer tape.Reset()
		require.NoError(t, tape.Backward(tape.Scale(tape.Param(p), k)))
	}
	step(2)
	step(5)
	require.Equal(t, []float64{7}, p.Grad().Float64s(be))
	p.ZeroGrad()
	require.True(t, p.Grad().IsZero())
	step(3)
	require.Equal(t, []float64{3}, p.Grad().Float64s(be))
}

func TestWhoGetsNoGradient(t *testing.T) {
	be := ref.Open64()
	for name, set := range map[string]func(*autograd.Param){
		"frozen": func(p *autograd.Param) { p.Frozen = true },
		"buffer": func(p *autograd.Param) { p.Buffer = true },
	} {
		t.Run(name, func(t *testing.T) {
			p, q := param(t, be, "p", 1), param(t, be, "q", 1)
			set(p)
			tape := autograd.NewTape(be, autograd.WithGrad())
			require.NoError(t, tape.Backward(tape.Mul(tape.Param(p), tape.Param(q))))
			require.True(t, p.Grad().IsZero())
			require.Equal(t, p.Value.Float64s(be), q.Grad().Float64s(be))
		})
	}
	t.Run("unreached", func(t *testing.T) {
		p, q := param(t, be, "p", 1), param(t, be, "q", 1)
		tape := autograd.NewTape(be, autograd.WithGrad())
		tape.Scale(tape.Param(q), 2)
		require.NoError(t, tape.Backward(tape.Scale(tape.Param(p), 2)))
		require.True(t, q.Grad().IsZero())
	})
}

func TestBackwardRefuses(t *testing.T) {
	be := ref.Open64()
	tape := autograd.NewTape(be)
	c := tape.Sum(tape.Const(vector(1, 2)))
	require.ErrorContains(t, tape.Backward(c), "wants a gradient")

	x := tape.Input(vector(1, 2))
	var shape *tensor.ShapeError
	require.ErrorAs(t, tensor.Catch(func() { _ = tape.Backward(x) }), &shape)
	require.ErrorAs(t, tensor.Catch(func() { _ = tape.BackwardFrom(x, vector(1)) }), &shape)

	y := tape.Sum(x)
	require.NoError(t, tape.Backward(y))
	require.ErrorContains(t, tape.Backward(y), "Reset")
	tape.Reset()
	require.NoError(t, tape.Backward(tape.Sum(tape.Input(vector(1)))))
}

func TestAFusedGELURefusesGradients(t *testing.T) {
	be := ref.Open64()
	tape := autograd.NewTape(be)
	w := tape.Const(tensor.FromSlice([]float64{1, 2}, 2, 1))
	tape.Linear(tape.Const(tensor.FromSlice([]float64{1}, 1, 1)), w, nil, nil, kernels.WithGELU)
	var arg *kernels.ArgError
	require.ErrorAs(t, tensor.Catch(func() {
		tape.Linear(tape.Input(tensor.FromSlice([]float64{1}, 1, 1)), w, nil, nil, kernels.WithGELU)
	}), &arg)
}

var errStopped = errors.New("stopped by the test")

func TestACancelledTapeComputesNothing(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errStopped)
	be := ref.Open64()
	m := newSmall(t, be)
	tape := autograd.NewTape(be, autograd.WithGrad(), autograd.WithContext(ctx))
	y := tape.Sum(m.logits(tape, tape.Input(m.input(be, 1))))
	require.ErrorIs(t, tape.Err(), errStopped)
	require.ErrorIs(t, tape.Backward(y), errStopped)
	_, err := y.Values()
	require.ErrorIs(t, err, errStopped)
	_, err = y.Scalar()
	require.ErrorIs(t, err, errStopped)
	for _, p := range m.params() {
		require.True(t, p.Grad().IsZero(), p.Name)
	}
}

// stopper is a backend that ends its context when attention runs, forward or backward.
type stopper struct {
	kernels.Backend
	forward, backward func()
}

func (s *stopper) WithContext(context.Context) kernels.Backend { return s }

func (s *stopper) Attention(a kernels.Attention) {
	s.forward()
	s.Backend.Attention(a)
}

func (s *stopper) AttentionBackward(a kernels.AttentionGrad) {
	s.backward()
	s.Backend.AttentionBackward(a)
}

func TestCancellationInTheMiddle(t *testing.T) {
	for _, where := range []string{"forward", "backward"} {
		t.Run(where, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(context.Background())
			be := &stopper{ref.Open64(), func() {}, func() { cancel(errStopped) }}
			if where == "forward" {
				be.forward, be.backward = be.backward,
					func() { t.Error("backward ran after the cancellation") }
			}
			m := newSmall(t, be)
			pool := autograd.NewPool(be)
			tape := autograd.NewTape(be, autograd.WithGrad(), autograd.WithTrain(), autograd.WithContext(ctx),
				autograd.WithPool(pool))
			_, _, err := m.learn(tape, m.input(be, 1))
			require.ErrorIs(t, err, errStopped)
			require.True(t, m.w1.Grad().IsZero(), "the layers before the cancelled one were not reached")
			tape.Reset()
			require.Zero(t, pool.Live())
		})
	}
}
