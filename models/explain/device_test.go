package explain_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/kerneltest"
	"truegrain/models"
	"truegrain/models/explain"
	"truegrain/nn/golden"
)

// Maps in mixed precision, by the rule for bfloat16.
func TestGoldenExplainResNetMixed(t *testing.T) {
	for _, c := range golden.Cases(t, "explain_resnet50") {
		onDevices(t, c, true, func(t *testing.T, be kernels.Backend) {
			s, m := subject(t, be, c, 1)
			require.NoError(t, s.Pass(t.Context(), everything, func(p *explain.Pass) error {
				cam, err := p.CAM("layer4", m.Head().Weight)
				require.NoError(t, err)
				golden.RequireBFloat16(t, c, "cam", cam.Values)
				for name, read := range gradientMaps(c.Ints(t, "input_shape")) {
					got, err := read(p)
					require.NoError(t, err)
					golden.RequireBFloat16(t, c, name, got)
				}
				return nil
			}))
		})
	}
}

func TestGoldenExplainViTMixed(t *testing.T) {
	for _, c := range golden.Cases(t, "explain_vit_*") {
		onDevices(t, c, c.Arch == "vit_mini", func(t *testing.T, be kernels.Backend) {
			explainViT(t, be, c, golden.RequireBFloat16)
		})
	}
}

func TestGoldenPixelMap(t *testing.T) {
	for _, c := range golden.Cases(t, "forward_fcn*") {
		for _, be := range backends(t, false) {
			t.Run(c.File+"/"+be.Name(), func(t *testing.T) { pixelMap(t, be, c, c.Limit(t, "output")) })
		}
	}
}

func TestGoldenPixelMapMixed(t *testing.T) {
	for _, c := range golden.Cases(t, "forward_fcn*") {
		onDevices(t, c, false, func(t *testing.T, be kernels.Backend) {
			pixelMap(t, be, c, c.LimitBFloat16(t, "output"))
		})
	}
}

// pixelMap holds a segmenting model's map to 1 − sigmoid of the golden output. The slope of that is at most
// 1/4: the map may be off by a quarter of what the output may be, and by its own rounding.
func pixelMap(t *testing.T, be kernels.Backend, c *golden.Case, limit float64) {
	s, _ := subject(t, be, c, 1)
	m, err := s.PixelMap(t.Context())
	require.NoError(t, err)
	var off, output, rounding float64
	for i, x := range c.Values(t, "output") {
		p := 1 / (1 + math.Exp(x))
		off += math.Pow(float64(m.Values[i])-p, 2)
		output += x * x
		rounding += math.Pow(p/(1<<24), 2)
	}
	share := math.Sqrt(off) / (limit/4*math.Sqrt(output) + math.Sqrt(rounding))
	t.Logf("%.3f of the limit: %s: the map of pixels", share, c.File)
	require.LessOrEqual(t, share, 1.0)
}

// TestDeviceExplainsAsTheCPUDoes reads every map of each kind of model, of pictures of noise.
func TestDeviceExplainsAsTheCPUDoes(t *testing.T) {
	be := kerneltest.Accelerator(t)
	cpu, err := kernels.Open("cpu")
	require.NoError(t, err)
	t.Cleanup(func() { cpu.Close() })
	for _, arch := range []string{"resnet_mini", "fcn8s_mini", "vit_mini_8"} {
		t.Run(arch, func(t *testing.T) {
			want, got := everyMap(t, cpu, arch), everyMap(t, be, arch)
			require.Len(t, got, len(want))
			for name, w := range want {
				exact := make([]float64, len(w))
				for i, v := range w {
					exact[i] = float64(v)
				}
				require.LessOrEqual(t, golden.Relative(got[name], exact), 1e-4, name)
			}
		})
	}
}

// everyMap is all that a model's kind can be asked for, read from one pass.
func everyMap(t *testing.T, be kernels.Backend, arch string) map[string][]float32 {
	s, m := miniOn(t, be, arch)
	last := m.Stages()[len(m.Stages())-1]
	read := map[string]func(p *explain.Pass) (*explain.Map, error){
		"gradient": func(p *explain.Pass) (*explain.Map, error) { return p.Saliency(explain.AI, kernels.Gradient) },
	}
	want := explain.Want{Taps: []string{last}, TapsBack: true, InputBack: true, Repeat: true}
	switch m.Kind() {
	case models.Transformer:
		last += ".ln_1"
		want.Taps = []string{last, "encoder.layers.*.self_attention.attention"}
		read["rollout"] = func(p *explain.Pass) (*explain.Map, error) {
			a, err := p.Attention()
			require.NoError(t, err)
			return a.Rollout()
		}
	case models.Segmenter:
		read["pixels"] = (*explain.Pass).PixelMap
	default:
		read["CAM"] = func(p *explain.Pass) (*explain.Map, error) { return p.CAM(last, m.Head().Weight) }
	}
	read["Grad-CAM"] = func(p *explain.Pass) (*explain.Map, error) { return p.GradCAM(last) }
	if m.Kind() != models.Transformer { // which has no ReLU
		for _, to := range []explain.Target{explain.AI, explain.Photograph} {
			read["guided, why "+to.String()] = func(p *explain.Pass) (*explain.Map, error) {
				return p.Saliency(to, kernels.Guided)
			}
		}
	}
	out := map[string][]float32{}
	require.NoError(t, s.Pass(t.Context(), want, func(p *explain.Pass) error {
		for name, f := range read {
			v, err := f(p)
			require.NoError(t, err)
			out[name] = v.Values
		}
		return nil
	}))
	return out
}
