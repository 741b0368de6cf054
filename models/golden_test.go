package models_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	_ "truegrain/kernels/all"
	"truegrain/models"
	"truegrain/nn/golden"
	"truegrain/tensor"
)

// small are the architectures that slow backends run, too.
var small = []string{"vit_mini"}

// everywhere runs f for each golden file on each backend, processors with every fast path forced on and off, too:
// on the slow ones and with forced paths only what is small, the rest with TRUEGRAIN_SLOW=1.
func everywhere(t *testing.T, glob string, f func(*testing.T, kernels.Backend, *golden.Case)) {
	for _, c := range golden.Cases(t, glob) {
		for _, spec := range []string{"ref", "ref:float64", "cpu:generic", "cpu:avx2", "cpu:avx512", "cpu:generic,on",
			"cpu:generic,off", "cpu:avx2,on", "cpu:avx2,off", "cpu:avx512,on", "cpu:avx512,off", "emu", "emu:3,portable",
			"emu:ptx,5", "cuda:0"} {
			t.Run(c.File+"/"+spec, func(t *testing.T) {
				fast := strings.HasPrefix(spec, "cpu:avx") || strings.HasPrefix(spec, "cuda")
				slow := !fast || strings.Contains(spec, ",")
				if slow && !slices.Contains(small, c.Arch) && !golden.Slow() {
					t.Skipf("%s takes minutes on %s; set TRUEGRAIN_SLOW=1", c.Arch, spec)
				}
				be, err := kernels.Open(spec)
				if err != nil {
					t.Skip(err)
				}
				defer be.Close()
				f(t, be, c)
			})
		}
	}
}

// build is the model of a case with its weights, as the generating script has it.
func build(t *testing.T, be kernels.Backend, c *golden.Case) models.Model {
	t.Helper()
	classes := 1
	if strings.HasPrefix(c.Arch, "vit") {
		classes = 2
	}
	m, err := models.New(be, c.Arch, models.Config{Classes: classes, NoDropout: true, Empty: true})
	require.NoError(t, err)
	golden.FillParams(be, m.Params(), c.Seed)
	return m
}

// input is a picture of the case on the tape.
func input(t *autograd.Tape, c *golden.Case, name string, shape []int) *autograd.Var {
	b, ch, h, w := shape[0], shape[1], shape[2], shape[3]
	x := golden.FromNCHW(c.Picture(name, shape), b, ch, h, w)
	return t.Upload(tensor.FromSlice(x, b, h, w, ch))
}

// torchOrder is a value's elements as PyTorch orders them.
func torchOrder(t *testing.T, v *autograd.Var) []float32 {
	t.Helper()
	x, err := v.Values()
	require.NoError(t, err)
	if s := v.Shape(); len(s) == 4 {
		return golden.ToNCHW(x, s[0], s[1], s[2], s[3])
	}
	return x
}

func TestGoldenForward(t *testing.T) {
	everywhere(t, "forward_*", func(t *testing.T, be kernels.Backend, c *golden.Case) {
		m, stages := build(t, be, c), c.Names("stage_norm.")
		tape := autograd.NewTape(be, autograd.WithTaps(stages...))
		defer tape.Reset()
		y := m.Forward(tape, input(tape, c, c.Meta["input"], c.Ints(t, "input_shape")))
		for _, name := range stages {
			v := tape.Tapped(name)
			require.NotNil(t, v, "%s marks no %s", c.Arch, name)
			c.RequireSketch(t, "stage", name, torchOrder(t, v))
		}
		golden.Require(t, c, "output", torchOrder(t, y))
	})
}

// frozen is the output of a case's frozen model, as PyTorch orders it.
func frozen(t *testing.T, be kernels.Backend, c *golden.Case, how kernels.Packing) []float32 {
	t.Helper()
	m, s := build(t, be, c), c.Ints(t, "input_shape")
	f, err := models.Freeze(m, s[0], s[2], s[3], models.WithPacking(how), models.Consume())
	require.NoError(t, err)
	defer f.Close()
	x := golden.FromNCHW(c.Picture(c.Meta["input"], s), s[0], s[1], s[2], s[3])
	y, err := f.Run(t.Context(), tensor.FromSlice(x, s[0], s[2], s[3], s[1]))
	require.NoError(t, err)
	v := kernels.Floats[float32](y.Buf) // in host memory
	if o := y.Shape(); len(o) == 4 {
		v = golden.ToNCHW(v, o[0], o[1], o[2], o[3])
	}
	return v
}

func TestGoldenFrozen(t *testing.T) {
	everywhere(t, "forward_*", func(t *testing.T, be kernels.Backend, c *golden.Case) {
		golden.Require(t, c, "output", frozen(t, be, c, kernels.Exact))
	})
}

// TestGoldenFrozenFast holds Winograd's convolutions to a bound of their own. Transformers have none.
func TestGoldenFrozenFast(t *testing.T) {
	everywhere(t, "forward_[^v]*", func(t *testing.T, be kernels.Backend, c *golden.Case) {
		err := golden.Relative(frozen(t, be, c, kernels.Fast), c.Values(t, "output"))
		t.Logf("relative error %.2g, PyTorch's float32 %.2g", err, c.Error(t, "output"))
		require.LessOrEqual(t, err, 1e-5)
	})
}

// TestGoldenFrozenBFloat16 has operands of bfloat16 where the level has products of them.
func TestGoldenFrozenBFloat16(t *testing.T) {
	everywhere(t, "forward_*", func(t *testing.T, be kernels.Backend, c *golden.Case) {
		golden.RequireBFloat16(t, c, "output", frozen(t, be, c, kernels.BFloat16))
	})
}

func TestGoldenTrain(t *testing.T) {
	everywhere(t, "train_*", func(t *testing.T, be kernels.Backend, c *golden.Case) {
		m := build(t, be, c)
		losses, grads := trainGolden(t, be, c, m)
		c.RequireGrads(t, grads)
		if missed := c.MissedLosses(t, losses); len(missed) > 0 {
			require.Positive(t, missed[0], "%s: the first loss", c.File)
			require.NotEqual(t, kernels.F64, be.DType(), "%s: losses of float64", c.File)
			require.NoError(t, follow(t, be, c, missed[0]-1, missed[len(missed)-1]))
		}
		buffers := c.Names("buffer_norm.")
		for _, p := range m.Params() {
			if p.Buffer {
				require.Contains(t, buffers, p.Name)
				c.RequireSketch(t, "buffer", p.Name, p.Value.Float32s(be))
			}
		}
	})
}

// trainGolden takes the steps of a case: the loss of each, and the gradients of the first.
func trainGolden(t *testing.T, be kernels.Backend, c *golden.Case, m models.Model) (losses []float64,
	grads map[string][]float32) {
	steps, err := strconv.Atoi(c.Meta["steps"])
	require.NoError(t, err)
	update := optimizer(t, be, c, m.Params(), ownGradient)
	for step := range steps {
		losses = append(losses, trainStep(t, be, c, m, step))
		if step == 0 {
			grads = gradients(be, m.Params())
		}
		update(step)
	}
	return losses, grads
}

// trainStep computes the loss of a step and its gradients.
func trainStep(t *testing.T, be kernels.Backend, c *golden.Case, m models.Model, step int) float64 {
	pass := forwardStep(t, be, c, m, step)
	pass.backward(t)
	return pass.loss
}

// trainPass is a step of training up to its loss.
type trainPass struct {
	tape *autograd.Tape
	last *autograd.Var
	loss float64
}

func forwardStep(t *testing.T, be kernels.Backend, c *golden.Case, m models.Model, step int) *trainPass {
	for _, p := range m.Params() {
		p.ZeroGrad()
	}
	tape := autograd.NewTape(be, autograd.WithGrad(), autograd.WithTrain())
	last := lossOf(tape, c, m, step, c.Ints(t, "batch_shape"))
	loss, err := last.Scalar()
	require.NoError(t, err)
	return &trainPass{tape, last, loss}
}

// backward computes the gradients, and ends the pass.
func (p *trainPass) backward(t *testing.T) {
	require.NoError(t, p.tape.Backward(p.last))
	p.tape.Reset()
}

// lossOf is the loss of a training step as the thesis has it: by the case's metadata.
func lossOf(t *autograd.Tape, c *golden.Case, m models.Model, step int, shape []int) *autograd.Var {
	k := strconv.Itoa(step)
	y := m.Forward(t, input(t, c, "train"+k, shape))
	classes := golden.Target("target"+k, c.Seed, shape[0])
	if c.Meta["loss"] == "cross_entropy" {
		return t.CrossEntropy(y, t.UploadInts(classes))
	}
	each := y.Len() / len(classes)
	target := make([]float32, y.Len())
	for i := range target {
		target[i] = float32(classes[i/each])
	}
	want := t.Upload(tensor.FromSlice(target, y.Shape()...))
	if c.Meta["loss"] == "mse(sigmoid)" {
		return t.MSE(t.Sigmoid(y), want)
	}
	return t.BCE(t.Sigmoid(y), want)
}

func gradients(be kernels.Backend, params []*autograd.Param) map[string][]float32 {
	grads := map[string][]float32{}
	for _, p := range params {
		if g := p.Grad(); !g.IsZero() {
			grads[p.Name] = golden.TorchOrder(p, g.Float32s(be))
		}
	}
	return grads
}

func ownGradient(p *autograd.Param) kernels.Buf { return p.Grad().Buf }

// optimizer is the update of one step, by the case's metadata: "sgd lr=0.001" or "adam lr=0.001 …".
func optimizer(t *testing.T, be kernels.Backend, c *golden.Case, params []*autograd.Param,
	grad func(*autograd.Param) kernels.Buf) func(step int) {
	words := strings.Fields(c.Meta["optimizer"])
	lr, err := strconv.ParseFloat(strings.TrimPrefix(words[1], "lr="), 64)
	require.NoError(t, err)
	zeros := func(p *autograd.Param) kernels.Buf {
		b, err := be.Alloc(be.DType(), p.Value.Len())
		require.NoError(t, err)
		return b
	}
	var updates []func(step int)
	for _, p := range params {
		if p.Buffer {
			continue
		}
		if words[0] == "sgd" {
			updates = append(updates, func(int) {
				be.SGD(kernels.SGD{N: p.Value.Len(), LR: lr, P: p.Value.Buf, G: grad(p)})
			})
			continue
		}
		m, v := zeros(p), zeros(p)
		updates = append(updates, func(step int) {
			be.Adam(kernels.Adam{N: p.Value.Len(), LR: lr, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8,
				Step: step + 1, P: p.Value.Buf, G: grad(p), M: m, V: v})
		})
	}
	return func(step int) {
		for _, u := range updates {
			u(step)
		}
	}
}
