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
	var out []kernels.Backend
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
	ctx := context.Background()
	for _, c := range golden.Cases(t, "explain_resnet50") {
		for _, be := range backends(t, true) {
			t.Run(c.File+"/"+be.Name(), func(t *testing.T) {
				s, m := subject(t, be, c, 1)
				cam, err := s.CAM(ctx, "layer4", m.Head().Weight)
				require.NoError(t, err)
				golden.Require(t, c, "cam", cam.Values)

				for _, layer := range []string{"layer2", "layer3", "layer4"} {
					g, err := s.GradCAM(ctx, layer)
					require.NoError(t, err)
					golden.Require(t, c, "grad_cam_signed."+layer, g.Values)
					golden.Require(t, c, "grad_cam_ai."+layer, g.Toward(explain.AI).Values)
					golden.Require(t, c, "grad_cam_photograph."+layer, g.Toward(explain.Photograph).Values)
				}

				for name, want := range map[string]struct {
					target explain.Target
					rule   kernels.ReLURule
				}{
					"gradient":                   {explain.Photograph, kernels.Gradient},
					"guided_backprop_photograph": {explain.Photograph, kernels.Guided},
					"guided_backprop_ai":         {explain.AI, kernels.Guided},
				} {
					g, err := s.Gradient(ctx, want.target, want.rule)
					require.NoError(t, err)
					b, h, w := s.X.Dim(0), s.X.Dim(1), s.X.Dim(2)
					golden.Require(t, c, name, golden.ToNCHW(g, b, h, w, 3))
				}
			})
		}
	}
}

func TestGoldenExplainViT(t *testing.T) {
	ctx := context.Background()
	for _, c := range golden.Cases(t, "explain_vit_*") {
		for _, be := range backends(t, c.Arch == "vit_mini") {
			t.Run(c.File+"/"+be.Name(), func(t *testing.T) {
				s, _ := subject(t, be, c, 2)
				a, err := s.Attention(ctx, "encoder.layers.*.self_attention.attention")
				require.NoError(t, err)

				rollout, err := a.Rollout()
				require.NoError(t, err)
				golden.Require(t, c, "rollout", rollout.Values)

				last := a.Layers[len(a.Layers)-1]
				var class []float32 // the class token's row of every head
				for h := range a.Heads {
					class = append(class, last[h*a.T*a.T:h*a.T*a.T+a.T]...)
				}
				golden.Require(t, c, "attention_last_cls", class)
				if c.Has("attention") {
					golden.Require(t, c, "attention", slices.Concat(a.Layers...))
				}

				_, err = s.Gradient(ctx, explain.AI, kernels.Guided)
				require.ErrorIs(t, err, autograd.ErrNoReLU)
			})
		}
	}
}
