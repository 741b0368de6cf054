package explain_test

import (
	"context"
	"image"
	"image/color"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/models/explain"
	"truegrain/tensor"
	"truegrain/tensor/picture"
)

// mini is a small model on the CPU looking at two pictures of noise.
func mini(t *testing.T, arch string) (explain.Subject, models.Model) {
	be, err := kernels.Open("cpu")
	require.NoError(t, err)
	t.Cleanup(func() { be.Close() })
	return miniOn(t, be, arch)
}

func miniOn(t *testing.T, be kernels.Backend, arch string) (explain.Subject, models.Model) {
	classes := 1
	if strings.HasPrefix(arch, "vit") {
		classes = 2
	}
	m, err := models.New(be, arch, models.Config{Classes: classes, Seed: 7})
	require.NoError(t, err)
	side := m.InputSize()
	x := make([]float32, 2*side*side*3)
	p := kernels.NewPhilox(3)
	for i := range x {
		x[i] = 2*p.Uniform(0, 0, uint64(i)) - 1
	}
	buf, err := be.Alloc(be.DType(), len(x))
	require.NoError(t, err)
	be.Upload(buf, kernels.Of(x))
	return explain.Subject{Backend: be, Model: m, X: tensor.New(buf, 2, side, side, 3),
		Pool: autograd.NewPool(be)}, m
}

// The mean of the class activation map is the logit without its bias: Zhou et al. 2016, equation 2.
func TestCAMSumsToTheLogit(t *testing.T) {
	s, m := mini(t, "resnet_mini")
	cam, err := s.CAM(context.Background(), "layer4", m.Head().Weight)
	require.NoError(t, err)

	tape := autograd.NewTape(s.Backend)
	logits, err := m.Forward(tape, tape.Const(s.X)).Values()
	require.NoError(t, err)
	bias := m.Head().Bias.Value.Float32s(s.Backend)[0]
	for b, want := range logits {
		var sum float64
		for _, v := range cam.At(b) {
			sum += float64(v)
		}
		require.InDelta(t, float64(want-bias), sum/float64(len(cam.At(b))), 1e-4*math.Abs(float64(want))+1e-5)
	}
}

// Behind global average pooling and one linear layer, Grad-CAM of the last stage is CAM divided by the cells.
func TestGradCAMOfTheLastStageIsCAM(t *testing.T) {
	s, m := mini(t, "resnet_mini")
	cam, err := s.CAM(context.Background(), "layer4", m.Head().Weight)
	require.NoError(t, err)
	grad, err := s.GradCAM(context.Background(), "layer4")
	require.NoError(t, err)
	cells := float32(cam.H * cam.W)
	for i, v := range cam.Values {
		require.InDelta(t, v/cells, grad.Values[i], 1e-4*math.Abs(float64(v))+1e-6)
	}
}

func TestNoSuchLayer(t *testing.T) {
	s, m := mini(t, "resnet_mini")
	_, err := s.GradCAM(context.Background(), "layer9")
	require.ErrorIs(t, err, explain.ErrNoTap)
	_, err = s.CAM(context.Background(), "layer9", m.Head().Weight)
	require.ErrorIs(t, err, explain.ErrNoTap)
}

func TestExplainStopsWhenCancelled(t *testing.T) {
	s, _ := mini(t, "resnet_mini")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.Saliency(ctx, explain.AI, kernels.Gradient)
	require.ErrorIs(t, err, context.Canceled)
}

// Maps that are read from one pass, in any order and with other rules in between, are those of passes of
// their own.
func TestOnePassGivesWhatManyGive(t *testing.T) {
	for _, arch := range []string{"resnet_mini", "fcn8s_mini"} {
		s, m := mini(t, arch)
		ctx, layer := t.Context(), m.Stages()[len(m.Stages())-1]
		grad, err := s.GradCAM(ctx, layer)
		require.NoError(t, err)
		fine, err := s.Saliency(ctx, explain.Photograph, kernels.Gradient)
		require.NoError(t, err)
		guided := map[explain.Target]*explain.Map{}
		for _, target := range []explain.Target{explain.AI, explain.Photograph} {
			guided[target], err = s.Saliency(ctx, target, kernels.Guided)
			require.NoError(t, err)
		}
		want := explain.Want{Taps: []string{layer}, TapsBack: true, InputBack: true, Repeat: true}
		require.NoError(t, s.Pass(ctx, want, func(p *explain.Pass) error {
			for range 2 {
				for target, w := range guided {
					g, err := p.Saliency(target, kernels.Guided)
					require.NoError(t, err)
					require.Equal(t, w, g, "%s: guided, why %s", arch, target)
				}
				g, err := p.GradCAM(layer)
				require.NoError(t, err)
				require.Equal(t, grad, g, arch)
				f, err := p.Saliency(explain.Photograph, kernels.Gradient)
				require.NoError(t, err)
				require.Equal(t, fine, f, arch)
			}
			return nil
		}))
		require.Zero(t, s.Pool.Live())
	}
}

// A thousand explanations leave no more memory in use or held than one.
func TestMemoryIsFlat(t *testing.T) {
	s, m := mini(t, "resnet_mini")
	s.X = s.X.Rows(0, 1)
	once := func() {
		_, err := s.CAM(context.Background(), "layer4", m.Head().Weight)
		require.NoError(t, err)
		_, err = s.Saliency(context.Background(), explain.AI, kernels.Guided)
		require.NoError(t, err)
	}
	once()
	held := s.Pool.Held()
	n := 500
	if testing.Short() {
		n = 20
	}
	for range n {
		once()
	}
	require.Zero(t, s.Pool.Live())
	require.Equal(t, held, s.Pool.Held())
}

func TestRolloutOfUniformAttention(t *testing.T) {
	// Two layers, one head, five tokens that all look everywhere alike: Â = (1/5 + I)/2, and the class
	// token's row of ÂÂ is 3/20 at every patch (by hand: (1/4)(I + 2·1/5 + 5·1/25) = I/4 + 3/20).
	layer := make([]float32, 25)
	for i := range layer {
		layer[i] = 0.2
	}
	a := &explain.Attention{B: 1, Heads: 1, T: 5, Layers: [][]float32{layer, layer}}
	m, err := a.Rollout()
	require.NoError(t, err)
	require.Equal(t, []int{2, 2}, []int{m.H, m.W})
	for _, v := range m.Values {
		require.InDelta(t, 0.15, v, 1e-7)
	}

	head, err := a.Layer(1, 0, 3)
	require.NoError(t, err)
	require.InDeltaSlice(t, []float32{0.2, 0.2, 0.2, 0.2}, head.Values, 0)
	_, err = a.Layer(2, 0, 0)
	require.ErrorContains(t, err, "2 layers")
}

func TestResizeKeepsLinearRampsInside(t *testing.T) {
	up := explain.Resize([]float32{0, 1, 2, 3}, 1, 4, 1, 8)
	require.InDeltaSlice(t, []float32{0, .25, .75, 1.25, 1.75, 2.25, 2.75, 3}, up, 1e-6)
}

func TestEmberGetsLighterAtEveryStep(t *testing.T) {
	light := func(c color.RGBA) float64 {
		return 0.2126*float64(c.R) + 0.7152*float64(c.G) + 0.0722*float64(c.B)
	}
	for i := 1; i < 256; i++ {
		require.GreaterOrEqual(t, light(explain.Ember[i])+0.75, light(explain.Ember[i-1]), "step %d", i)
	}
	require.Less(t, light(explain.Ember[0]), 16.0)
	require.Greater(t, light(explain.Ember[255]), 235.0)
}

// The scale is the detector's, not the picture's: half the maximum looks the same whatever else is in the
// map.
func TestScaleIsFixed(t *testing.T) {
	quiet := explain.Layer{H: 1, W: 2, Values: []float32{0, 1}, Max: 2}
	loud := explain.Layer{H: 1, W: 2, Values: []float32{9, 1}, Max: 2}
	require.Equal(t, quiet.Indices(2, 1)[1], loud.Indices(2, 1)[1])

	signed := explain.Layer{Kind: explain.Signed, H: 1, W: 3, Values: []float32{2, 0, -2}, Max: 2}
	require.Equal(t, []uint8{0, 127, 254}, signed.Indices(3, 1), "a photograph is teal, AI is orange")

	nan := explain.Layer{Kind: explain.Probability, H: 1, W: 1, Values: []float32{float32(math.NaN())}}
	require.Equal(t, []uint8{0}, nan.Indices(1, 1))
}

func TestFigureAndPanelSizes(t *testing.T) {
	p := &picture.Picture{W: 300, H: 200, Pix: make([]uint8, 300*200*3)}
	l := explain.Layer{Title: "CAM", H: 2, W: 3, Values: make([]float32, 6), Max: 1}
	f := l.Figure(p, 0.75)
	require.Equal(t, 300, f.Bounds().Dx())
	require.Greater(t, f.Bounds().Dy(), 200)
	two := explain.Panel([]*image.RGBA{f, f}, 2)
	require.Greater(t, two.Bounds().Dx(), 600)
}
