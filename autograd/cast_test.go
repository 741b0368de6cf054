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

// halfway is a network whose values between two casts have the type of the backend's Activations: a
// convolution with batch norm, a shortcut in the backend's own type, and an input that two ops use. There is
// no ReLU, of which a rounding may put one on the other side.
type halfway struct {
	conv, gamma, beta, norm, shift, linear *autograd.Param
	mean, variance                         *autograd.Param
}

func newHalfway(t *testing.T, be kernels.Backend) *halfway {
	return &halfway{conv: param(t, be, "conv", 5, 3, 3, 4), gamma: param(t, be, "gamma", 5),
		beta: param(t, be, "beta", 5), norm: param(t, be, "norm", 5), shift: param(t, be, "shift", 5),
		linear: param(t, be, "linear", 5, 5), mean: param(t, be, "mean", 5),
		variance: param(t, be, "variance", 5)}
}

func (h *halfway) params() []*autograd.Param {
	return []*autograd.Param{h.conv, h.gamma, h.beta, h.norm, h.shift, h.linear}
}

func (h *halfway) loss(t *autograd.Tape, in *autograd.Var) *autograd.Var {
	x := t.Cast(in, t.Backend().Activations())
	y := t.Conv2D(x, t.Param(h.conv), nil, nil, autograd.Conv{Padding: [2]int{1, 1}})
	y = t.BatchNorm(y, t.Param(h.gamma), t.Param(h.beta), nil, autograd.BatchNorm{Eps: 1e-5, Momentum: 0.1,
		RunningMean: h.mean, RunningVar: h.variance})
	own := t.Cast(y, t.Backend().DType())
	y = t.LayerNorm(own, t.Param(h.norm), t.Param(h.shift), 1e-5)
	y = t.Linear(y, t.Param(h.linear), nil, own, kernels.NoActivation)
	weights := t.Upload(tensor.FromSlice(uniform(4, y.Len()), y.Shape()...))
	all := t.Add(t.Mean(t.Mul(y, weights)), t.Cast(t.Mean(t.Mul(x, x)), t.Backend().DType()))
	return t.Add(all, t.Mean(t.Cast(in, t.Backend().Activations())))
}

// run is a step: the loss, and the gradients of the input and of the parameters.
func (h *halfway) run(t *testing.T, be kernels.Backend, opts ...autograd.Option) (out [][]float32) {
	tape := autograd.NewTape(be, append(opts, autograd.WithGrad(), autograd.WithTrain())...)
	defer tape.Reset()
	in := tape.Input(tape.Upload(tensor.FromSlice(uniform(3, 2*6*7*4), 2, 6, 7, 4)).Tensor)
	loss := h.loss(tape, in)
	require.NoError(t, tape.Backward(loss))
	value, err := loss.Values()
	require.NoError(t, err)
	out = append(out, value, in.Gradient().Float32s(be))
	for _, p := range h.params() {
		require.Equal(t, be.DType(), p.Grad().Buf.DType(), "the gradient of %s", p.Name)
		out = append(out, p.Grad().Float32s(be))
		p.ZeroGrad()
	}
	return out
}

// uniform is n values in [-1,1).
func uniform(seed uint64, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = 2*kernels.NewPhilox(seed).Uniform(0, 0, uint64(i)) - 1
	}
	return v
}

// closeTo compares by relative L2 error.
func closeTo(t *testing.T, want, got [][]float32, tolerance float64) {
	for i := range want {
		var d, n float64
		for k, w := range want[i] {
			d += math.Pow(float64(got[i][k]-w), 2)
			n += math.Pow(float64(w), 2)
		}
		require.LessOrEqual(t, math.Sqrt(d), tolerance*math.Sqrt(n)+1e-7, "result %d", i)
	}
}

// TestCastCarriesTypes: between the casts all values and their gradients are bfloat16, parameters and theirs
// float32, and the numbers are those of float32 but for some roundings by 2⁻⁹, up to ten times as much where
// a norm's gradient cancels.
func TestCastCarriesTypes(t *testing.T) {
	plain := ref.Open32()
	half, ok := plain.(kernels.Mixed).Mixed()
	require.True(t, ok)
	want := newHalfway(t, plain).run(t, plain)
	types := map[string]kernels.DType{}
	watch := autograd.WithWatch(func(n *autograd.Node) { types[n.Name] = n.Out.Buf.DType() })
	got := newHalfway(t, half).run(t, half, watch)
	closeTo(t, want, got, 2e-2)
	require.NotEqual(t, want, got)
	for op, d := range map[string]kernels.DType{"conv2d": kernels.BF16, "batchnorm": kernels.BF16,
		"layernorm": kernels.BF16, "linear": kernels.F32, "add": kernels.F32} {
		require.Equal(t, d, types[op], op)
	}
}

// TestBatchNormTogetherInMixedPrecision: the sums of a single worker change nothing but roundings.
func TestBatchNormTogetherInMixedPrecision(t *testing.T) {
	be, _ := ref.Open32().(kernels.Mixed).Mixed()
	alone, together := newHalfway(t, be), newHalfway(t, be)
	calls := 0
	want := alone.run(t, be)
	got := together.run(t, be, autograd.WithSums(func([]float64) error {
		calls++
		return nil
	}))
	require.Equal(t, 2, calls)
	closeTo(t, want, got, 1e-2)
	closeTo(t, [][]float32{alone.mean.Value.Float32s(be), alone.variance.Value.Float32s(be)},
		[][]float32{together.mean.Value.Float32s(be), together.variance.Value.Float32s(be)}, 1e-6)
}
