package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels/kerneltest"
)

func TestGPUSaysWhatItNeeds(t *testing.T) {
	code, _, errs := bench(t, "gpu", "check", "--device", "cuda:9")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, `open backend "cuda:9"`)
	code, _, errs = bench(t, "gpu", "check", "--device", "cpu", "--out", t.TempDir())
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "is no GPU")
	code, _, errs = bench(t, "gpu", "everything")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "peers")
}

// TestDeviceByCommand runs one step of the whole plan, and finds it done the second time.
func TestDeviceByCommand(t *testing.T) {
	dir := t.TempDir()
	args := []string{"gpu", "check", "--device", kerneltest.AcceleratorSpec(t), "--only", "softmax/forward",
		"--out", dir}
	code, out, errs := bench(t, args...)
	require.Zero(t, code, errs)
	require.Contains(t, out, "check: softmax/forward: ")
	found, err := filepath.Glob(filepath.Join(dir, "*.md"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	code, out, errs = bench(t, args...)
	require.Zero(t, code, errs)
	require.NotContains(t, out, "rows in")
	require.Contains(t, out, found[0])
}
