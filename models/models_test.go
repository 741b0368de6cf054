package models_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/nn"
	"truegrain/nn/golden"
	"truegrain/tensor"
)

// paper is a backend with endless memory and no ops: for what only shapes and names tell.
type paper struct {
	kernels.Backend
	next *uintptr
}

func newPaper() paper { return paper{next: new(uintptr)} }

func (p paper) DType() kernels.DType       { return kernels.F32 }
func (p paper) Activations() kernels.DType { return kernels.F32 }

func (p paper) Alloc(d kernels.DType, n int) (kernels.Buf, error) {
	*p.next += 64
	at := *p.next
	*p.next += uintptr(n * d.Size())
	return kernels.OfDevice(d, n, at), nil
}

func (p paper) Free(kernels.Buf) {}

func (p paper) Pack(kernels.Op, kernels.Packing) (kernels.Packed, error) { return nil, nil }

func (p paper) Upload(kernels.Buf, kernels.Buf) {}

func (p paper) Download(kernels.Buf, kernels.Buf) {}

func build0(t *testing.T, name string, c models.Config) models.Model {
	t.Helper()
	c.Empty = true
	m, err := models.New(newPaper(), name, c)
	require.NoError(t, err)
	return m
}

// rehearse runs m forward without computing anything, and gives the peak of memory.
func rehearse(m models.Model, b, h, w int, opts ...autograd.Option) (*autograd.Tape, *autograd.Var, int64) {
	pool := autograd.NewDryPool()
	tape := autograd.NewTape(m.Params()[0].Backend(), append(opts, autograd.WithPool(pool))...)
	y := m.Forward(tape, tape.Alloc(b, h, w, 3))
	return tape, y, pool.Peak()
}

func TestParameterCountsAreTorchvisions(t *testing.T) {
	for _, tc := range []struct {
		name string
		conf models.Config
		want int
	}{
		{"resnet18", models.Config{Classes: 1000}, 11_689_512},
		{"resnet34", models.Config{Classes: 1000}, 21_797_672},
		{"resnet50", models.Config{Classes: 1000}, 25_557_032},
		{"resnet101", models.Config{Classes: 1000}, 44_549_160},
		{"fcn_resnet50", models.Config{Classes: 21, Aux: true}, 35_322_218},
		{"vit_b_16", models.Config{Classes: 1000}, 86_567_656},
		{"vit_l_16", models.Config{Classes: 1000}, 304_326_632},
		{"fcn8s_resnet50", models.Config{}, 25_557_032 - 2_049_000 + 513 + 1025 + 2049 + 16 + 16 + 256},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := 0
			for _, p := range build0(t, tc.name, tc.conf).Params() {
				if !p.Buffer {
					n += p.Value.Len()
				}
			}
			require.Equal(t, tc.want, n)
		})
	}
}

func TestParameterNamesAndOrder(t *testing.T) {
	for _, tc := range []struct {
		name  string
		first []string
		last  string
	}{
		{"resnet50", []string{"conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var",
			"layer1.0.conv1.weight", "layer1.0.bn1.weight"}, "fc.bias"},
		{"fcn_resnet50", []string{"backbone.conv1.weight"}, "classifier.4.bias"},
		{"fcn8s_resnet50", []string{"backbone.conv1.weight"}, "up8.weight"},
		{"vit_b_16", []string{"class_token", "conv_proj.weight", "conv_proj.bias", "encoder.pos_embedding",
			"encoder.layers.encoder_layer_0.ln_1.weight", "encoder.layers.encoder_layer_0.ln_1.bias",
			"encoder.layers.encoder_layer_0.self_attention.in_proj_weight"}, "heads.head.bias"},
	} {
		var names []string
		for _, p := range build0(t, tc.name, models.Config{}).Params() {
			names = append(names, p.Name)
		}
		require.Equal(t, tc.first, names[:len(tc.first)], tc.name)
		require.Equal(t, tc.last, names[len(names)-1], tc.name)
	}
}

func TestMinisAreSmall(t *testing.T) {
	total := 0
	for _, name := range []string{"resnet_mini", "fcn8s_mini", "vit_mini_8"} {
		bytes := 0
		for _, p := range build0(t, name, models.Config{}).Params() {
			bytes += 2 * p.Value.Len()
		}
		require.Less(t, bytes, 1_000_000, "%s at two bytes a weight", name)
		total += bytes
	}
	require.Less(t, total, 2_500_000)
}

func TestShapes(t *testing.T) {
	for _, name := range models.List() {
		for _, classes := range []int{1, 2} {
			m := build0(t, name, models.Config{Classes: classes})
			s := m.InputSize()
			tape, y, _ := rehearse(m, 2, s, s, autograd.WithTaps(m.Stages()...))
			want := tensor.Shape{2, classes}
			if m.Kind() == models.Segmenter {
				want = tensor.Shape{2, s, s, classes}
			}
			require.Equal(t, want, y.Shape(), name)
			require.Equal(t, tensor.Shape{2}, m.Probability(tape, y).Shape(), name)
			require.Len(t, tape.TapNames(), len(m.Stages()), name)
			require.Equal(t, m.Kind() == models.Convolutional, m.Head() != (*nn.Linear)(nil), name)
			require.Equal(t, name, m.Name())
		}
	}
}

func TestSegmentersTakeAnySize(t *testing.T) {
	for _, name := range []string{"fcn_resnet50", "fcn8s_resnet50", "fcn8s_mini"} {
		m := build0(t, name, models.Config{})
		for _, size := range [][2]int{{1, 1}, {1, 33}, {31, 32}, {161, 250}, {1080, 1920}} {
			_, y, _ := rehearse(m, 1, size[0], size[1])
			require.Equal(t, tensor.Shape{1, size[0], size[1], 1}, y.Shape(), name)
		}
	}
}

func TestVitRefusesAnotherSize(t *testing.T) {
	m := build0(t, "vit_mini", models.Config{})
	err := tensor.Catch(func() { rehearse(m, 1, 96, 64) })
	var shape *tensor.ShapeError
	require.ErrorAs(t, err, &shape)
	require.Equal(t, []int{-1, 64, 64, 3}, shape.Want)
}

func TestFullHDStaysUnderTheMemoryLimit(t *testing.T) {
	m := build0(t, "fcn_resnet50", models.Config{})
	var weights int64
	for _, p := range m.Params() {
		weights += int64(p.Value.Buf.Bytes())
	}
	_, _, peak := rehearse(m, 1, 1080, 1920)
	t.Logf("fcn_resnet50 at 1920x1080: %d MiB of values, %d MiB of weights", peak>>20, weights>>20)
	require.Less(t, peak+weights, int64(5)<<29, "2.5 GiB")
}

// The same for real, with what the backend keeps for itself: the resident size of the process.
func TestFullHDRuns(t *testing.T) {
	if !golden.Slow() {
		t.Skip("takes seconds and gigabytes; set TRUEGRAIN_SLOW=1")
	}
	be := open(t, "cpu")
	m := withStatistics(t, be, "fcn_resnet50")
	pool := autograd.NewPool(be)
	tape := autograd.NewTape(be, autograd.WithPool(pool))
	defer tape.Reset()
	y := m.Forward(tape, tape.Upload(pictures(1, 1080, 1920)))
	p, err := m.Probability(tape, y).Values()
	require.NoError(t, err)
	require.True(t, p[0] > 0 && p[0] < 1, "p = %v", p[0])
	t.Logf("peak of the values %d MiB, held %d MiB", pool.Peak()>>20, pool.Held()>>20)
	require.Less(t, pool.Held(), int64(2)<<30)
}

func TestScopesLetGoWithoutGradients(t *testing.T) {
	m := build0(t, "resnet50", models.Config{})
	_, _, infer := rehearse(m, 1, 224, 224)
	_, _, train := rehearse(m, 1, 224, 224, autograd.WithGrad(), autograd.WithTrain())
	require.Less(t, 8*infer, train)
}

func TestAuxiliaryHead(t *testing.T) {
	for _, with := range []bool{false, true} {
		m := build0(t, "fcn_resnet50", models.Config{Aux: with}).(models.Auxiliary)
		tape := autograd.NewTape(newPaper(), autograd.WithPool(autograd.NewDryPool()),
			autograd.WithTaps("backbone.layer4"))
		y, aux := m.ForwardAux(tape, tape.Alloc(1, 64, 48, 3))
		require.Equal(t, tensor.Shape{1, 64, 48, 1}, y.Shape())
		require.NotNil(t, tape.Tapped("backbone.layer4"))
		require.Equal(t, with, aux != nil)
		if with {
			require.Equal(t, y.Shape(), aux.Shape())
		}
	}
}

func TestConvolutionsBeforeBatchNormHandOverTheirSums(t *testing.T) {
	for _, name := range []string{"resnet18", "resnet50", "fcn_resnet50", "vit_mini_8"} {
		m := build0(t, name, models.Config{})
		tape, _, _ := rehearse(m, 1, m.InputSize(), m.InputSize(), autograd.WithGrad(), autograd.WithTrain())
		norms := 0
		for _, n := range tape.Nodes() {
			if op, ok := n.Op.(kernels.BatchNorm); ok {
				norms++
				require.False(t, op.Sums.IsZero(), "%s: %s", name, n.Path)
			}
		}
		require.NotZero(t, norms, name)
	}
}

func TestNormsHaveTorchvisionsConstants(t *testing.T) {
	for _, name := range []string{"resnet50", "fcn_resnet50", "fcn8s_mini", "vit_b_16", "vit_mini_8"} {
		m := build0(t, name, models.Config{})
		tape, _, _ := rehearse(m, 1, m.InputSize(), m.InputSize())
		for _, n := range tape.Nodes() {
			switch op := n.Op.(type) {
			case kernels.BatchNorm:
				require.Equal(t, [2]float64{1e-5, 0.1}, [2]float64{op.Eps, op.Momentum}, n.Path)
			case kernels.LayerNorm:
				require.Equal(t, 1e-6, op.Eps, n.Path)
			}
		}
	}
}

func TestDropoutIsWhereTorchvisionHasIt(t *testing.T) {
	for _, off := range []bool{false, true} {
		m := build0(t, "fcn_resnet50", models.Config{NoDropout: off})
		tape, _, _ := rehearse(m, 1, 64, 64, autograd.WithGrad(), autograd.WithTrain())
		var found []string
		for _, n := range tape.Nodes() {
			if op, ok := n.Op.(kernels.Dropout); ok && op.P == 0.1 {
				found = append(found, n.Path)
			}
		}
		if off {
			require.Empty(t, found)
		} else {
			require.Equal(t, []string{"classifier.3"}, found)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	_, err := models.New(newPaper(), "resnet51", models.Config{})
	require.ErrorIs(t, err, models.ErrUnknown)
	require.ErrorContains(t, err, "resnet50")
	_, err = models.New(newPaper(), "resnet50", models.Config{Classes: -1})
	require.ErrorContains(t, err, "-1 classes")
	_, err = models.New(newPaper(), "resnet50", models.Config{Aux: true})
	require.ErrorContains(t, err, "auxiliary")
	_, err = models.New(poor{newPaper()}, "resnet50", models.Config{})
	require.ErrorIs(t, err, kernels.ErrOutOfMemory)
	require.ErrorContains(t, err, "conv1.weight")
}

// poor is a backend without memory.
type poor struct{ paper }

func (poor) Alloc(kernels.DType, int) (kernels.Buf, error) {
	return kernels.Buf{}, kernels.ErrOutOfMemory
}

func TestProbabilityWantsADetector(t *testing.T) {
	m := build0(t, "resnet18", models.Config{Classes: 1000})
	tape, y, _ := rehearse(m, 1, 64, 64)
	var arg *kernels.ArgError
	require.ErrorAs(t, tensor.Catch(func() { m.Probability(tape, y) }), &arg)
}
