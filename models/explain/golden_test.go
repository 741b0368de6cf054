package explain_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	_ "truegrain/kernels/all"
	"truegrain/models"
	"truegrain/models/explain"
	"truegrain/nn/golden"
	"truegrain/tensor"
)

// backends are those of this build and machine that a golden case runs on: all for small cases, the fast ones
// for the rest.
func backends(t *testing.T, small bool) []kernels.Backend {
	specs := []string{"cpu:avx2", "cpu:avx512", "cuda:0"}
	if small || golden.Slow() {
		specs = append(specs, "cpu:generic", "ref", "emu:4")
	}
	return opened(t, specs...)
}

// onDevices runs f for a case on all that compute in mixed precision.
func onDevices(t *testing.T, c *golden.Case, small bool, f func(t *testing.T, be kernels.Backend)) {
	t.Run(c.File, func(t *testing.T) {
		all := mixed(t, small)
		if len(all) == 0 {
			t.Skip("needs a GPU and a build with -tags cuda, or the emulator: 'make emu', -tags emu, and for large " +
				"models TRUEGRAIN_SLOW=1")
		}
		for _, be := range all {
			t.Run(be.Name(), func(t *testing.T) { f(t, be) })
		}
	})
}

// mixed are those backends, devices of both generations among them.
func mixed(t *testing.T, small bool) (out []kernels.Backend) {
	specs := []string{"cuda:0"}
	if small || golden.Slow() {
		specs = append(specs, "emu:4", "emu:portable,4")
	}
	for _, be := range opened(t, specs...) {
		half, ok := be.(kernels.Mixed).Mixed()
		require.True(t, ok)
		out = append(out, half)
	}
	return out
}

func opened(t *testing.T, specs ...string) (out []kernels.Backend) {
	for _, s := range specs {
		be, err := kernels.Open(s)
		if err != nil {
			t.Logf("not here: %v", err)
			continue
		}
		t.Cleanup(func() { be.Close() })
		out = append(out, be)
	}
	return out
}

func subject(t *testing.T, be kernels.Backend, c *golden.Case, classes int) (explain.Subject, models.Model) {
	m, err := models.New(be, c.Arch, models.Config{Classes: classes, Empty: true})
	require.NoError(t, err)
	golden.FillParams(be, m.Params(), c.Seed)
	s := c.Ints(t, "input_shape")
	x := golden.FromNCHW(c.Picture(c.Meta["input"], s), s[0], s[1], s[2], s[3])
	buf, err := be.Alloc(be.DType(), len(x))
	require.NoError(t, err)
	be.Upload(buf, kernels.Of(x))
	return explain.Subject{Backend: be, Model: m, X: tensor.New(buf, s[0], s[2], s[3], s[1])}, m
}

func TestGoldenExplainResNet(t *testing.T) {
	for _, c := range golden.Cases(t, "explain_resnet50") {
		for _, be := range backends(t, true) {
			t.Run(c.File+"/"+be.Name(), func(t *testing.T) {
				s, m := subject(t, be, c, 1)
				require.NoError(t, s.Pass(context.Background(), everything, func(p *explain.Pass) error {
					cam, err := p.CAM("layer4", m.Head().Weight)
					require.NoError(t, err)
					golden.Require(t, c, "cam", cam.Values)
					features := p.Tape().Tapped("layer4")
					golden.Require(t, c, "features",
						golden.ToNCHW(features.Float32s(be), 1, features.Dim(1), features.Dim(2), features.Dim(3)))
					requireGradients(t, c, p)
					return nil
				}))
			})
		}
	}
}

// everything is what all maps of a ResNet need.
var everything = explain.Want{Taps: []string{"layer2", "layer3", "layer4"}, TapsBack: true, InputBack: true,
	Repeat: true}

// requireGradients holds the maps that a backward pass makes to the strict rule: to what PyTorch computes, or
// where a map misses that, to what float64 makes of the decisions of the pass, if rounding explains those.
func requireGradients(t *testing.T, c *golden.Case, p *explain.Pass) {
	t.Helper()
	missed, again := map[string][]float32{}, map[string]reading{}
	for name, read := range gradientMaps(c.Ints(t, "input_shape")) {
		got, err := read(p)
		require.NoError(t, err)
		if golden.Relative(got, c.Values(t, name)) > c.Limit(t, name) {
			missed[name], again[name] = got, read
			continue
		}
		golden.Require(t, c, name, got)
	}
	if len(missed) == 0 {
		return
	}
	be, err := kernels.Open("ref:float64")
	require.NoError(t, err)
	defer be.Close()
	exact, _ := subject(t, be, c, 1)
	want, differing, err := asDecided(exact, p, c.Limit(t, "features"), again)
	require.NoError(t, err)
	for name, got := range missed {
		err := golden.Relative(got, want[name])
		t.Logf("%.3f of the limit %.1e with the decisions of this pass, of which %d differ, and off by %.1e "+
			"without: %s", err/c.Limit(t, name), c.Limit(t, name), differing,
			golden.Relative(got, c.Values(t, name)), name)
		require.LessOrEqual(t, err, c.Limit(t, name), "%s: relative error of %s, decisions the same", c.File, name)
	}
}

// gradientMaps are the maps that a backward pass makes for a picture of an NCHW shape, in PyTorch's order.
func gradientMaps(shape []int) map[string]reading {
	gradient := func(to explain.Target, rule kernels.ReLURule) reading {
		return func(p *explain.Pass) ([]float32, error) {
			g, err := p.Gradient(to, rule)
			if err != nil {
				return nil, err
			}
			return golden.ToNCHW(g, shape[0], shape[2], shape[3], shape[1]), nil
		}
	}
	gradCAM := func(layer string, side func(*explain.Map) *explain.Map) reading {
		return func(p *explain.Pass) ([]float32, error) {
			m, err := p.GradCAM(layer)
			if err != nil {
				return nil, err
			}
			return side(m).Values, nil
		}
	}
	maps := map[string]reading{
		"gradient":                   gradient(explain.Photograph, kernels.Gradient),
		"guided_backprop_photograph": gradient(explain.Photograph, kernels.Guided),
		"guided_backprop_ai":         gradient(explain.AI, kernels.Guided),
	}
	for _, layer := range everything.Taps {
		maps["grad_cam_signed."+layer] = gradCAM(layer, func(m *explain.Map) *explain.Map { return m })
		maps["grad_cam_ai."+layer] = gradCAM(layer, func(m *explain.Map) *explain.Map { return m.Toward(explain.AI) })
		maps["grad_cam_photograph."+layer] = gradCAM(layer,
			func(m *explain.Map) *explain.Map { return m.Toward(explain.Photograph) })
	}
	return maps
}

// rule holds a result to a tensor of a golden file: golden.Require, golden.RequireBFloat16.
type rule func(t testing.TB, c *golden.Case, name string, got []float32)

func TestGoldenExplainViT(t *testing.T) {
	for _, c := range golden.Cases(t, "explain_vit_*") {
		for _, be := range backends(t, c.Arch == "vit_mini") {
			t.Run(c.File+"/"+be.Name(), func(t *testing.T) { explainViT(t, be, c, golden.Require) })
		}
	}
}

func explainViT(t *testing.T, be kernels.Backend, c *golden.Case, within rule) {
	s, _ := subject(t, be, c, 2)
	a, err := s.Attention(t.Context(), "encoder.layers.*.self_attention.attention")
	require.NoError(t, err)

	rollout, err := a.Rollout()
	require.NoError(t, err)
	within(t, c, "rollout", rollout.Values)

	last := a.Layers[len(a.Layers)-1]
	var class []float32 // the class token's row of every head
	for h := range a.Heads {
		class = append(class, last[h*a.T*a.T:h*a.T*a.T+a.T]...)
	}
	within(t, c, "attention_last_cls", class)
	if c.Has("attention") {
		within(t, c, "attention", slices.Concat(a.Layers...))
	}

	_, err = s.Gradient(t.Context(), explain.AI, kernels.Guided)
	require.ErrorIs(t, err, autograd.ErrNoReLU)
}
