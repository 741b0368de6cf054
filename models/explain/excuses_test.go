package explain_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/models/explain"
	"truegrain/nn/golden"
	"truegrain/tensor"
)

// The tests here spoil a float32 pass of a small model and look whether golden.TakeDecisions excuses that. smallLimit
// is the rounding that golden files allow a ResNet50.
const (
	smallSide  = 40
	smallLimit = 2e-6
	corner     = "layer1.0.bn1" // whose ReLU of element 0 is put at its corner
)

// smallResNet is a ResNet of few channels looking at a picture, its parameters edited.
func smallResNet(t *testing.T, spec string, edit func(name string, v []float32)) explain.Subject {
	be, err := kernels.Open(spec)
	require.NoError(t, err)
	t.Cleanup(func() { be.Close() })
	m, err := models.New(be, "resnet_mini", models.Config{Empty: true})
	require.NoError(t, err)
	golden.FillParams(be, m.Params(), 1)
	for _, p := range m.Params() {
		v := p.Value.Float32s(be)
		edit(p.Name, v)
		be.Upload(p.Value.Buf, kernels.Of(v))
	}
	x, err := be.Alloc(be.DType(), smallSide*smallSide*3)
	require.NoError(t, err)
	be.Upload(x, kernels.Of(golden.Picture("small", 1, 1, smallSide, smallSide, 3)))
	return explain.Subject{Backend: be, Model: m, X: tensor.New(x, 1, smallSide, smallSide, 3)}
}

// small is smallResNet in float64 and in float32, with the operand of one ReLU at a value but for some 1e−8.
// flat gives all operands of its channel that value.
func small(t *testing.T, value float64, flat bool) (exact, s explain.Subject) {
	var moved float64
	edit := func(name string, v []float32) {
		switch {
		case name == corner+".bias":
			v[0] += float32(moved)
		case flat && name == "layer1.0.conv1.weight":
			clear(v[:len(v)/16]) // of the first of 16 channels
		}
	}
	pass(t, smallResNet(t, "ref:float64", edit), func(p *explain.Pass) {
		z, _ := golden.BeforeReLU(node(p, corner).Op)
		moved = value - z(p.Tape().Backend()).At(0)
	})
	return smallResNet(t, "ref:float64", edit), smallResNet(t, "cpu", edit)
}

func pass(t *testing.T, s explain.Subject, f func(*explain.Pass)) {
	t.Helper()
	require.NoError(t, s.Pass(context.Background(), everything, func(p *explain.Pass) error { f(p); return nil }))
}

// node is the op of a layer.
func node(p *explain.Pass, path string) *autograd.Node {
	for _, n := range p.Tape().Nodes() {
		if n.Path == path {
			return n
		}
	}
	return nil
}

// off is by how much the gradient of s, its decisions spoiled, is off that of exact, and off that of exact
// with the same decisions.
func off(t *testing.T, exact, s explain.Subject, spoil func(*explain.Pass)) (plain, decided float64, err error) {
	t.Helper()
	maps := gradientMaps([]int{1, 3, smallSide, smallSide})
	var want map[string][]float64
	var got, without []float32
	pass(t, s, func(p *explain.Pass) {
		spoil(p)
		if want, _, err = asDecided(exact, p, smallLimit, maps); err != nil {
			return
		}
		got, err = maps["gradient"](p)
		require.NoError(t, err)
	})
	if err != nil {
		return 0, 0, err
	}
	pass(t, exact, func(p *explain.Pass) {
		without, err = maps["gradient"](p)
		require.NoError(t, err)
	})
	return golden.Relative(got, widened(without)), golden.Relative(got, want["gradient"]), nil
}

// decide sets the result of the ReLU at the corner in a float32 pass.
func decide(y float64) func(*explain.Pass) {
	return func(p *explain.Pass) { node(p, corner).Out.Buf.Set(0, y) }
}

// other is a result on the other side of the corner than that of float64.
func other(t *testing.T, exact explain.Subject) (y float64) {
	pass(t, exact, func(p *explain.Pass) {
		if node(p, corner).Out.Buf.At(0) == 0 {
			y = 1e-8
		}
	})
	return y
}

func TestAReLUAtItsCornerIsExcused(t *testing.T) {
	exact, s := small(t, 0, false)
	plain, decided, err := off(t, exact, s, decide(other(t, exact)))
	require.NoError(t, err)
	require.Greater(t, plain, 1e-4, "the decision does not matter, so this shows nothing")
	require.LessOrEqual(t, decided, smallLimit)
}

// A wrong gradient stays wrong beside a decision that is excused.
func TestAWrongGradientIsNotExcused(t *testing.T) {
	exact, s := small(t, 0, false)
	flip := decide(other(t, exact))
	_, decided, err := off(t, exact, s, func(p *explain.Pass) {
		flip(p)
		rstd := node(p, "layer1.0.bn2").Op.(kernels.BatchNorm).RStd // what backward multiplies by
		rstd.Set(0, 1.001*rstd.At(0))
	})
	require.NoError(t, err)
	require.Greater(t, decided, 2*smallLimit)
}

func TestWhatRoundingDoesNotExplainIsNotExcused(t *testing.T) {
	nothing := func(*explain.Pass) {}
	everywhere := func(f func(y float64) float64) func(*explain.Pass) {
		return func(p *explain.Pass) {
			y := node(p, corner).Out.Buf
			for i := range y.Len() {
				y.Set(i, f(y.At(i)))
			}
		}
	}
	for _, c := range []struct {
		name  string
		value float64
		flat  bool
		spoil func(*explain.Pass)
		want  string
	}{
		{"zero of a positive operand", 2e-5, false, decide(0), "float32 resolves"},
		{"positive of a negative operand", -2e-5, false, decide(1e-9), "float32 resolves"},
		{"too large", -1e-7, false, decide(2e-5), "float32 resolves"},
		{"no other decision", 1, false, nothing, "no excuse"},
		{"a wrong layer", 0, false, everywhere(func(y float64) float64 { return 1.001 * y }), "more than rounding's"},
		{"many", 3e-7, true, everywhere(func(y float64) float64 { return y * float64(min(1, int(1e5*y))) }),
			"400 of "},
	} {
		t.Run(c.name, func(t *testing.T) {
			exact, s := small(t, c.value, c.flat)
			_, _, err := off(t, exact, s, c.spoil)
			require.ErrorContains(t, err, c.want)
		})
	}
}
