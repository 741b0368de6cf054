package optim_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/train/optim"
)

// named makes parameters of two axes, or of one where the name ends in "bias".
func named(t *testing.T, names ...string) (out []*autograd.Param) {
	be := ref.Open64()
	for _, n := range names {
		shape := []int{2, 2}
		if n[len(n)-4:] == "bias" {
			shape = []int{2}
		}
		p, err := autograd.NewParam(be, n, autograd.Plain, shape...)
		require.NoError(t, err)
		out = append(out, p)
	}
	return out
}

func TestRulesOfGroups(t *testing.T) {
	params := named(t, "stem.weight", "layer1.weight", "layer1.bias", "layer2.weight", "fc.weight", "fc.bias")
	none := 0.0
	rules, err := optim.Groups{WeightDecay: 0.1, LayerDecay: 0.5, Stages: []string{"layer1", "layer2"},
		Groups: []optim.Group{
			{Match: "stem.*", LR: 1, Freeze: true},
			{Match: "fc.*", LR: 10, WeightDecay: &none}}}.Rules(params)
	require.NoError(t, err)
	require.Equal(t, map[string]optim.Rule{
		"stem.weight": {0.125, 0.1}, "layer1.weight": {0.25, 0.1}, "layer1.bias": {0.25, 0},
		"layer2.weight": {0.5, 0.1},
		"fc.weight":     {10, 0}, "fc.bias": {10, 0}}, rules)
	require.True(t, params[0].Frozen)
	require.False(t, params[4].Frozen)

	all, err := optim.Groups{WeightDecay: 0.1, DecayVectors: true}.Rules(params)
	require.NoError(t, err)
	require.Equal(t, optim.Rule{LR: 1, WeightDecay: 0.1}, all["layer1.bias"])
	_, err = optim.Groups{Groups: []optim.Group{{Match: "layer9.*", LR: 1}}}.Rules(params)
	require.ErrorContains(t, err, "stem.weight")
	require.Error(t, optim.CheckPattern("[a"))
	require.Error(t, optim.CheckPattern(""))
}

// A rule's rate and decay reach the update: with a gradient of nothing but decay, p shrinks by
// lr·rate·decay·p.
func TestOptimisersObeyTheRules(t *testing.T) {
	p := named(t, "p.weight")[0]
	be := p.Backend()
	be.Fill(p.Value.Buf, 1)
	opt, err := optim.New("sgd", []*autograd.Param{p}, optim.Options{WeightDecay: 9,
		Rules: map[string]optim.Rule{"p.weight": {LR: 0.5, WeightDecay: 0.25}}})
	require.NoError(t, err)
	g, err := p.RestoreGrad()
	require.NoError(t, err)
	be.Fill(g.Buf, 0)
	opt.Step(0.1)
	require.InDelta(t, 1-0.1*0.5*0.25, kernels.Floats[float64](p.Value.Buf)[0], 1e-15)
}

func TestGradientNorm(t *testing.T) {
	params := named(t, "a.weight", "b.bias", "c.weight")
	grads, err := optim.NewGradients(params)
	require.NoError(t, err)
	for i, v := range []float64{2, 3} { // the third has no gradient
		g, err := params[i].RestoreGrad()
		require.NoError(t, err)
		params[i].Backend().Fill(g.Buf, v)
	}
	norm, bad := grads.Norm()
	require.Nil(t, bad)
	require.InDelta(t, math.Sqrt(4*4+2*9), norm, 1e-12)
	grads.Scale(0.5)
	norm, _ = grads.Norm()
	require.InDelta(t, math.Sqrt(4*4+2*9)/2, norm, 1e-12)
	params[0].Backend().Fill(params[0].Grad().Buf, math.Inf(1))
	_, bad = grads.Norm()
	require.Equal(t, params[0], bad)
	for _, p := range params {
		p.Frozen = true
	}
	_, err = optim.NewGradients(params)
	require.ErrorContains(t, err, "frozen")
}

func TestEMAFollowsTheWeights(t *testing.T) {
	p := named(t, "p.weight")[0]
	be := p.Backend()
	at := func(p *autograd.Param) float64 { return kernels.Floats[float64](p.Value.Buf)[0] }
	e, err := optim.NewEMA([]*autograd.Param{p}, 0.5)
	require.NoError(t, err)
	want := 0.0
	for n := range 20 {
		be.Fill(p.Value.Buf, float64(n))
		e.Update()
		d := min(0.5, float64(2+n)/float64(11+n))
		want = d*want + (1-d)*float64(n)
	}
	require.InDelta(t, want, at(e.Params()[0]), 1e-12)
	require.Equal(t, "p.weight", e.Params()[0].Name)
	e.Swap()
	require.InDelta(t, want, at(p), 1e-12)
	e.Swap()
	require.Equal(t, 19.0, at(p))

	other, err := optim.NewEMA([]*autograd.Param{p}, 0.5)
	require.NoError(t, err)
	to := other.State()
	for i, s := range e.State() {
		be.Copy(to[i].Value.Buf, s.Value.Buf)
	}
	other.Resume()
	e.Update()
	other.Update()
	require.Equal(t, at(e.Params()[0]), at(other.Params()[0]))
}
