package models_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models"
	"truegrain/nn/state"
	"truegrain/tensor"
)

// saved is the open file of a model.
func saved(t *testing.T, m models.Model, o state.SaveOptions) *state.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.safetensors")
	require.NoError(t, state.Save(path, m.Params(), nil, o))
	f, err := state.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func TestOpenFrozenEqualsFreeze(t *testing.T) {
	for _, spec := range []string{"cpu", "cpu:generic", "ref"} {
		sizes := map[string]int{"resnet_mini": 40, "fcn8s_mini": 33, "vit_mini_8": 64, "vit_mini": 64}
		for name, size := range sizes {
			for _, dtype := range []string{"F32", "BF16"} {
				t.Run(spec+"/"+name+"/"+dtype, func(t *testing.T) {
					be := open(t, spec)
					f := saved(t, withStatistics(t, be, name), state.SaveOptions{DType: dtype})
					m, err := models.New(be, name, models.Config{Classes: 2, Empty: true})
					require.NoError(t, err)
					_, err = state.Load(m.Params(), f, state.Options{})
					require.NoError(t, err)
					frozen, err := models.Freeze(m, 2, size, size)
					require.NoError(t, err)
					defer frozen.Close()
					opened, err := models.OpenFrozen(be, name, models.Config{Classes: 2}, f, 2, size, size)
					require.NoError(t, err)
					defer opened.Close()
					require.NoError(t, f.Close(), "the file is not needed any more")
					want, err := frozen.Run(t.Context(), pictures(2, size, size))
					require.NoError(t, err)
					got, err := opened.Run(t.Context(), pictures(2, size, size))
					require.NoError(t, err)
					require.Equal(t, want.Float32s(be), got.Float32s(be))
				})
			}
		}
	}
}

func TestOpenFrozenRefusesWeightsOfAnotherModel(t *testing.T) {
	be := open(t, "cpu")
	f := saved(t, withStatistics(t, be, "resnet_mini"), state.SaveOptions{})
	var mismatch *state.MismatchError
	_, err := models.OpenFrozen(be, "vit_mini", models.Config{Classes: 2}, f, 1, 64, 64)
	require.ErrorAs(t, err, &mismatch)
	_, err = models.OpenFrozen(be, "resnet_mini", models.Config{Classes: 1}, f, 1, 64, 64)
	require.ErrorAs(t, err, &mismatch)
	_, err = models.OpenFrozen(be, "no model", models.Config{}, f, 1, 64, 64)
	require.ErrorIs(t, err, models.ErrUnknown)
}

func TestOpenFrozenPassesOverAnAuxiliaryHead(t *testing.T) {
	be := open(t, "cpu")
	m, err := models.New(be, "fcn_resnet50", models.Config{Classes: 2, Aux: true, Empty: true})
	require.NoError(t, err)
	file := saved(t, m, state.SaveOptions{})
	f, err := models.OpenFrozen(be, "fcn_resnet50", models.Config{Classes: 2}, file, 1, 32, 32)
	require.NoError(t, err)
	f.Close()
}

func TestConsumedModelIsHollow(t *testing.T) {
	be := open(t, "cpu")
	for name, size := range map[string]int{"resnet_mini": 32, "vit_mini_8": 64} {
		m := withStatistics(t, be, name)
		file := saved(t, m, state.SaveOptions{})
		want := eager(t, be, m, pictures(1, size, size))
		f, err := models.Freeze(m, 1, size, size, models.Consume(), models.WithPacking(kernels.Exact))
		require.NoError(t, err)
		defer f.Close()
		got, err := f.Run(t.Context(), pictures(1, size, size))
		require.NoError(t, err)
		require.InDeltaSlice(t, want, got.Float64s(be), 1e-5)

		var arg *kernels.ArgError
		tape := autograd.NewTape(be, autograd.WithGrad(), autograd.WithTrain())
		require.ErrorAs(t, tensor.Catch(func() { m.Forward(tape, tape.Zeros(1, size, size, 3)) }), &arg)
		require.ErrorContains(t, arg, "load its weights again")
		require.ErrorAs(t, tensor.Catch(func() { _, _ = models.Freeze(m, 1, size, size) }), &arg)
		for _, p := range m.Params() {
			require.True(t, p.Hollow(), p.Name)
		}

		_, err = state.Load(m.Params(), file, state.Options{})
		require.NoError(t, err)
		require.Equal(t, want, eager(t, be, m, pictures(1, size, size)), "loaded again, it is a model again")
	}
}
