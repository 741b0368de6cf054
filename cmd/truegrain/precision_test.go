package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/nn/state"
)

// bf16 trains where the device has it, with other numbers than float32, and is refused where it has not.
func TestPrecision(t *testing.T) {
	dir, runs := tiny(t), t.TempDir()
	train := func(name string, more ...string) (int, string) {
		code, _, errs := call(t, append([]string{"train", dir, "-m", "resnet_mini", "--size", "16",
			"--limit", "4", "--epochs", "1", "-o", filepath.Join(runs, name)}, more...)...)
		return code, errs
	}
	code, errs := train("cpu", "--set", "precision=bf16")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "does not train in bfloat16: take --set precision=float32")
	require.NoDirExists(t, filepath.Join(runs, "cpu"))
	code, errs = train("half", "--set", "precision=half")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, `precision is "half": want float32, bf16`)

	weight := map[string][]float32{}
	for _, precision := range []string{"float32", "bf16"} {
		code, errs = train(precision, "--device", "ref", "--set", "precision="+precision)
		require.Zero(t, code, errs)
		f, err := state.Open(filepath.Join(runs, precision, "best.safetensors"))
		require.NoError(t, err)
		weight[precision], err = f.Float32s("fc.weight")
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	require.NotEqual(t, weight["float32"], weight["bf16"])
	require.InDeltaSlice(t, weight["float32"], weight["bf16"], 0.01)
}
