package optim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	_ "truegrain/kernels/all"
	"truegrain/nn/golden"
	"truegrain/tensor"
	"truegrain/train/optim"
)

// goldenStep is an optimiser of the golden file; the other entries of its metadata have another Op.
type goldenStep struct {
	Op, Key      string
	LR, Momentum float64
	WeightDecay  float64 `json:"weight_decay"`
}

// TestGoldenSteps compares three steps of each optimiser with PyTorch's, on every backend that this machine
// has.
func TestGoldenSteps(t *testing.T) {
	for _, c := range golden.Cases(t, "ops") {
		var all []goldenStep
		require.NoError(t, json.Unmarshal([]byte(c.Meta["cases"]), &all))
		n := 0
		for _, s := range all {
			if s.Op != "step" {
				continue
			}
			n++
			for _, dev := range kernels.Devices() {
				if dev.Err == nil {
					t.Run(s.Key+"/"+dev.Spec, func(t *testing.T) { stepThrice(t, c, s, dev.Spec) })
				}
			}
		}
		require.NotZero(t, n)
	}
}

func stepThrice(t *testing.T, c *golden.Case, s goldenStep, spec string) {
	be, err := kernels.Open(spec)
	require.NoError(t, err)
	defer be.Close()
	n := c.Shape(s.Key + ".p1")[0]
	p, err := autograd.NewParam(be, "p", autograd.Plain, 1, n) // a matrix: vectors do not decay in AdamW
	require.NoError(t, err)
	be.Upload(p.Value.Buf, kernels.Of(c.Array(s.Key+".p", n, -1, 1)))

	name, _, _ := strings.Cut(strings.TrimPrefix(s.Key, "step."), "_")
	opt, err := optim.New(name, []*autograd.Param{p},
		optim.Options{Momentum: s.Momentum, WeightDecay: s.WeightDecay})
	require.NoError(t, err)
	for i := range 3 {
		setGrad(t, p, c.Array(fmt.Sprintf("%s.g%d", s.Key, i), n, -1, 1))
		opt.Step(s.LR)
		golden.Require(t, c, fmt.Sprintf("%s.p%d", s.Key, i+1), p.Value.Float32s(be))
	}
}

// setGrad gives p the gradient g: that of Σ p·g.
func setGrad(t *testing.T, p *autograd.Param, g []float32) {
	p.ZeroGrad()
	tape := autograd.NewTape(p.Backend(), autograd.WithGrad())
	defer tape.Reset()
	dy := tape.Upload(tensor.FromSlice(g, p.Value.Shape()...))
	require.NoError(t, tape.BackwardFrom(tape.Scale(tape.Param(p), 1), dy.Tensor))
}
