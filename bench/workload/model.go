package workload

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/nn/state"
	"truegrain/tensor"
)

// Spec is a model at a batch size, and what is done with it.
type Spec struct {
	Model   string
	Batch   int
	Size    int // of the pictures' sides; 0 is that of the model
	Train   bool
	Weights string // a file; without one they are drawn at random
	Impl    string // one of Impls
	// Resident keeps pictures, labels and results in a device's memory, so that the device alone is measured;
	// Settle reads the result.
	Resident bool
}

// Tape is the way of a training step, and one of inference: a forward pass that records itself.
const Tape = "tape"

// Impls are the ways to run inference: a frozen model by its packing, the default first, and a tape.
var Impls = []string{kernels.Fast.String(), kernels.Exact.String(), kernels.BFloat16.String(), Tape}

var packings = map[string]kernels.Packing{"fast": kernels.Fast, "exact": kernels.Exact,
	"bfloat16": kernels.BFloat16}

// Name is the model, the batch, and whether it is trained.
func (s Spec) Name() string {
	name := fmt.Sprintf("%s b%d", s.Model, s.Batch)
	if s.Size > 0 {
		name += fmt.Sprintf(" %dx%d", s.Size, s.Size)
	}
	if s.Train {
		name += " train"
	}
	return name
}

// Check says what is wrong with a spec.
func (s Spec) Check() error {
	switch {
	case !slices.Contains(models.List(), s.Model):
		return fmt.Errorf("no model %q; there are %s", s.Model, strings.Join(models.List(), ", "))
	case s.Batch < 1 || s.Batch > 1024:
		return fmt.Errorf("%s: a batch of %d; want 1 to 1024", s.Model, s.Batch)
	case s.Train && s.Impl != Tape:
		return fmt.Errorf("%s: training steps run on a tape", s.Name())
	case !slices.Contains(Impls, s.Impl):
		return fmt.Errorf("no implementation %q of inference; there are %s", s.Impl,
			strings.Join(Impls, ", "))
	}
	return nil
}

// Classes is the width of a model's head: ImageNet's 1000, or Pascal VOC's 21 for segmenters, as comparisons
// are made.
func Classes(model string) int {
	if strings.HasPrefix(model, "fcn") {
		return 21
	}
	return 1000
}

// config leaves weights to what follows, and dropout out, so that two frameworks compute the same.
func (s Spec) config() models.Config {
	return models.Config{Classes: Classes(s.Model), NoDropout: true, Empty: true}
}

// build is the model of a spec with its weights.
func build(be kernels.Backend, s Spec) (models.Model, error) {
	m, err := models.New(be, s.Model, s.config())
	if err != nil {
		return nil, err
	}
	if s.Weights == "" {
		drawWeights(m.Params())
		return m, nil
	}
	f, err := state.Open(s.Weights)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // a mapped file, read only
	if _, err := state.Load(m.Params(), f, state.Options{SkipAux: true}); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Weights, err)
	}
	return m, nil
}

// SaveWeights writes the weights that a spec without a file is given, as a file.
func SaveWeights(be kernels.Backend, s Spec, path string) error {
	s.Weights = ""
	m, err := build(be, s)
	if err != nil {
		return err
	}
	return state.Save(path, m.Params(), nil, state.SaveOptions{})
}

// freeze is the model made ready to serve: straight from its file, or from drawn weights, which are given
// back.
func freeze(be kernels.Backend, s Spec, size int) (*models.Frozen, error) {
	how := models.WithPacking(packings[s.Impl])
	if s.Weights == "" {
		m, err := build(be, s)
		if err != nil {
			return nil, err
		}
		return models.Freeze(m, s.Batch, size, size, how, models.Consume())
	}
	f, err := state.Open(s.Weights)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // a mapped file, read only
	return models.OpenFrozen(be, s.Model, s.config(), f, s.Batch, size, size, how)
}

// drawWeights gives parameters values that keep activations in range, quickly: what is computed does not
// matter here, and zeros, denormals and infinities would not cost what numbers cost.
func drawWeights(params []*autograd.Param) {
	var all sync.WaitGroup
	for _, p := range params {
		all.Go(func() {
			v := make([]float32, p.Value.Len())
			base, spread := valuesOf(p)
			rng := random(p.Name)
			for i := range v {
				v[i] = base + spread*(2*rng.Float32()-1)
			}
			p.Backend().Upload(p.Value.Buf, kernels.Of(v))
		})
	}
	all.Wait()
}

// valuesOf is what a kind of parameter is drawn around and how far.
func valuesOf(p *autograd.Param) (base, spread float32) {
	shape := p.Value.Shape()
	switch {
	case strings.HasSuffix(p.Name, "running_var"):
		return 1, 0.2
	case strings.HasSuffix(p.Name, "bn3.weight"):
		return 0.2, 0.02
	case p.Value.Rank() == 1 && strings.HasSuffix(p.Name, "weight"):
		return 1, 0.1
	case p.Value.Rank() >= 2 && shape[0] > 1:
		return 0, float32(math.Sqrt(3 / float64(shape[1:].Len())))
	}
	return 0, 0.1
}

// inputSize is the side of the pictures that a model is trained on.
func inputSize(name string) (int, error) {
	m, err := models.New(nothing{}, name, models.Config{Empty: true})
	if err != nil {
		return 0, err
	}
	return m.InputSize(), nil
}

// nothing is a backend that has only addresses to give, for models of which nothing is computed.
type nothing struct{ kernels.Backend }

func (nothing) DType() kernels.DType       { return kernels.F32 }
func (nothing) Activations() kernels.DType { return kernels.F32 }

func (nothing) Alloc(d kernels.DType, n int) (kernels.Buf, error) {
	return kernels.OfDevice(d, n, 1<<61), nil
}

// Pictures are random ones in host memory.
func Pictures(batch, size int) tensor.Tensor {
	v := make([]float32, batch*size*size*3)
	rng := random("pictures")
	for i := range v {
		v[i] = 2*rng.Float32() - 1
	}
	return tensor.FromSlice(v, batch, size, size, 3)
}

func random(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(h.Sum64(), 1))
}
