package autograd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/autograd/gradcheck"
	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/tensor"
)

// fusion is an op with a ReLU inside and the same without: their results and gradients agree under every
// rule.
type fusion struct {
	name            string
	shapes          [][]int
	fused, separate func(t *autograd.Tape, in []*autograd.Var) *autograd.Var
}

func fusions() []fusion {
	conv := func(relu bool) func(t *autograd.Tape, in []*autograd.Var) *autograd.Var {
		return func(t *autograd.Tape, in []*autograd.Var) *autograd.Var {
			if relu {
				return t.Conv2D(in[0], in[1], in[2], in[3], autograd.Conv{Act: kernels.WithReLU})
			}
			return t.ReLU(t.Add(t.Bias(t.Conv2D(in[0], in[1], nil, nil, autograd.Conv{}), in[2]), in[3]))
		}
	}
	transposed := func(relu bool) func(t *autograd.Tape, in []*autograd.Var) *autograd.Var {
		return func(t *autograd.Tape, in []*autograd.Var) *autograd.Var {
			c := autograd.Conv{Stride: [2]int{2, 2}}
			if relu {
				c.Act = kernels.WithReLU
				return t.ConvTranspose2D(in[0], in[1], in[2], in[3], c)
			}
			return t.ReLU(t.Add(t.Bias(t.ConvTranspose2D(in[0], in[1], nil, nil, c), in[2]), in[3]))
		}
	}
	linear := func(relu bool) func(t *autograd.Tape, in []*autograd.Var) *autograd.Var {
		return func(t *autograd.Tape, in []*autograd.Var) *autograd.Var {
			if relu {
				return t.Linear(in[0], in[1], in[2], in[3], kernels.WithReLU)
			}
			return t.ReLU(t.Add(t.Bias(t.Linear(in[0], in[1], nil, nil, kernels.NoActivation), in[2]), in[3]))
		}
	}
	norm := func(relu bool) func(t *autograd.Tape, in []*autograd.Var) *autograd.Var {
		return func(t *autograd.Tape, in []*autograd.Var) *autograd.Var {
			if relu {
				return t.BatchNorm(in[0], in[1], in[2], in[3], autograd.BatchNorm{Eps: 1e-5, ReLU: true})
			}
			return t.ReLU(t.Add(t.BatchNorm(in[0], in[1], in[2], nil, autograd.BatchNorm{Eps: 1e-5}), in[3]))
		}
	}
	return []fusion{
		{"conv2d", [][]int{{2, 5, 4, 3}, {4, 3, 3, 3}, {4}, {2, 3, 2, 4}}, conv(true), conv(false)},
		{"convtranspose2d", [][]int{{2, 3, 2, 3}, {3, 2, 2, 4}, {4}, {2, 6, 4, 4}}, transposed(true),
			transposed(false)},
		{"linear", [][]int{{7, 3}, {5, 3}, {5}, {7, 5}}, linear(true), linear(false)},
		{"batchnorm", [][]int{{2, 3, 3, 5}, {5}, {5}, {2, 3, 3, 5}}, norm(true), norm(false)},
	}
}

func TestRulesAreTheSameFusedAndUnfused(t *testing.T) {
	for _, f := range fusions() {
		byRule := map[kernels.ReLURule][][]float64{}
		for _, rule := range []kernels.ReLURule{kernels.Gradient, kernels.Guided, kernels.Deconvnet} {
			t.Run(f.name+"/"+rule.String(), func(t *testing.T) {
				got, want := ruled(t, f, rule, f.fused), ruled(t, f, rule, f.separate)
				for i := range want {
					require.InDeltaSlice(t, want[i], got[i], 1e-12, "operand %d", i)
				}
				byRule[rule] = got
			})
		}
		require.NotEqual(t, byRule[kernels.Gradient], byRule[kernels.Guided], f.name)
		require.NotEqual(t, byRule[kernels.Deconvnet], byRule[kernels.Guided], f.name)
	}
}

// ruled gives the gradients of all operands under a rule, the result last.
func ruled(t *testing.T, f fusion, rule kernels.ReLURule,
	op func(*autograd.Tape, []*autograd.Var) *autograd.Var) (all [][]float64) {
	be := ref.Open64()
	tape := autograd.NewTape(be, autograd.WithTrain(), autograd.WithReLURule(rule))
	defer tape.Reset()
	var in []*autograd.Var
	for _, x := range gradcheck.Normal(11, f.shapes...) {
		in = append(in, tape.Input(tensor.FromSlice(x.Values, x.Shape...)))
	}
	y := op(tape, in)
	dy := gradcheck.Normal(12, y.Shape())[0]
	require.NoError(t, tape.BackwardFrom(y, tensor.FromSlice(dy.Values, dy.Shape...)))
	for _, v := range in {
		all = append(all, v.Gradient().Float64s(be))
	}
	return append(all, y.Float64s(be))
}

// The three rules by hand, on every combination of signs.
func TestReLURules(t *testing.T) {
	x, dy := []float64{1, 1, -1, -1}, []float64{2, -2, 2, -2}
	for rule, want := range map[kernels.ReLURule][]float64{
		kernels.Gradient:  {2, -2, 0, 0},
		kernels.Guided:    {2, 0, 0, 0},
		kernels.Deconvnet: {2, 0, 2, 0},
	} {
		be := ref.Open64()
		tape := autograd.NewTape(be, autograd.WithReLURule(rule))
		in := tape.Input(tensor.FromSlice(x, 4))
		require.NoError(t, tape.BackwardFrom(tape.ReLU(in), tensor.FromSlice(dy, 4)))
		require.Equal(t, want, in.Gradient().Float64s(be), rule.String())
	}
}

func TestARuleWithoutReLUIsAnError(t *testing.T) {
	be := ref.Open64()
	tape := autograd.NewTape(be, autograd.WithReLURule(kernels.Guided))
	y := tape.Sum(tape.GELU(tape.Input(tensor.FromSlice([]float64{1, 2}, 2))))
	err := tape.Backward(y)
	require.ErrorIs(t, err, autograd.ErrNoReLU)
	require.ErrorContains(t, err, "guided")
}
