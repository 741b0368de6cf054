package autograd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels/ref"
	"truegrain/tensor"
)

func TestTapsMatchByPartsOfThePath(t *testing.T) {
	be := ref.Open64()
	marks := []string{"layer4", "layer4.0", "encoder.layers.0.ln", "encoder.layers.1.ln", "encoder.ln"}
	for pattern, want := range map[string][]string{
		"layer4":              {"layer4"},
		"layer4.*":            {"layer4.0"},
		"encoder.layers.*.ln": {"encoder.layers.0.ln", "encoder.layers.1.ln"},
		"encoder.*":           {"encoder.ln"},
		"nothing":             {},
	} {
		tape := autograd.NewTape(be, autograd.WithTaps(pattern))
		x := tape.Const(vector(1))
		for _, name := range marks {
			leave := tape.Enter(name)
			require.Equal(t, name, tape.Path())
			require.Same(t, x, tape.Mark(x))
			leave()
		}
		require.Equal(t, want, tape.TapNames(), pattern)
		require.Nil(t, tape.Tapped("absent"))
		tape.Reset()
		require.Empty(t, tape.TapNames())
	}
}

func TestATapHasItsGradient(t *testing.T) {
	be := ref.Open64()
	tape := autograd.NewTape(be, autograd.WithTaps("mid"), autograd.WithTapGrads())
	defer tape.Reset()
	leave := tape.Enter("mid")
	mid := tape.Mark(tape.Scale(tape.Const(vector(1, 2)), 3))
	leave()
	require.NoError(t, tape.Backward(tape.Sum(tape.Mul(mid, mid))))
	require.Equal(t, []float64{3, 6}, tape.Tapped("mid").Float64s(be))
	require.Equal(t, []float64{6, 12}, tape.Tapped("mid").Gradient().Float64s(be))
}

func TestAttentionIsTappedAsProbabilities(t *testing.T) {
	be := ref.Open64()
	m := newSmall(t, be)
	x := m.input(be, 2)
	plain := autograd.NewTape(be)
	want, err := m.logits(plain, plain.Const(x)).Values()
	require.NoError(t, err)

	tape := autograd.NewTape(be, autograd.WithTaps("*.attention"))
	defer tape.Reset()
	got, err := m.logits(tape, tape.Const(x)).Values()
	require.NoError(t, err)
	require.Equal(t, want, got, "a tap changes nothing")
	p := tape.Tapped("block.attention")
	require.Equal(t, tensor.Shape{2, 2, 16, 16}, p.Shape())
	for row, v := 0, p.Float64s(be); row < len(v); row += 16 {
		sum := 0.0
		for _, a := range v[row : row+16] {
			require.Positive(t, a)
			sum += a
		}
		require.InDelta(t, 1, sum, 1e-12)
	}
}
