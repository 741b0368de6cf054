package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A budget leaves time to calibrate and test what was learned, or says that it can't.
func TestBudgetBoundsTheWholeRun(t *testing.T) {
	dir, out := tiny(t), filepath.Join(t.TempDir(), "run")
	code, _, errs := call(t, mini(dir, out, "--budget", "10h")...)
	require.Zero(t, code, errs)
	require.Contains(t, errs, "of the budget, training gets ")
	require.Contains(t, errs, "training has ended: all epochs are over")
	require.FileExists(t, filepath.Join(out, "detector.safetensors"))

	code, said, errs := call(t, mini(dir, out, "--restart", "--budget", "1ns")...)
	require.Zero(t, code, errs)
	require.Empty(t, said)
	require.Contains(t, errs, "more than the budget of 1ns: this run trains only")
	require.Contains(t, errs, "the time budget is used up after 0 of 3 epochs; 'truegrain train --resume "+out)
	require.NoFileExists(t, filepath.Join(out, "detector.safetensors"))
	require.FileExists(t, filepath.Join(out, "best.safetensors"))
}

// A run that was killed before its first checkpoint begins once more with the weights that it began with, and
// with no others.
func TestRunWithoutACheckpointBeginsWithItsWeights(t *testing.T) {
	dir, runs, weights := tiny(t), t.TempDir(), savedMini(t, "resnet_mini")
	whole, killed := filepath.Join(runs, "whole"), filepath.Join(runs, "killed")
	flags := func(out string, more ...string) []string {
		return append([]string{"train", dir, "-m", "resnet_mini", "--size", "32", "--weights", weights,
			"--epochs", "1", "-o", out}, more...)
	}
	code, _, errs := call(t, flags(whole)...)
	require.Zero(t, code, errs)
	code, _, errs = call(t, flags(killed, "--budget", "1ns")...)
	require.Zero(t, code, errs)
	require.NoError(t, os.RemoveAll(filepath.Join(killed, "checkpoints")))
	code, _, errs = call(t, "train", "--resume", killed)
	require.Zero(t, code, errs)
	require.Contains(t, errs, "tensors loaded; fresh: fc.weight")
	requireSameRun(t, whole, killed)

	require.NoError(t, os.RemoveAll(filepath.Join(killed, "checkpoints")))
	b, err := os.ReadFile(weights)
	require.NoError(t, err)
	b[len(b)-1] ^= 1
	require.NoError(t, os.WriteFile(weights, b, 0o644))
	code, _, errs = call(t, "train", "--resume", killed)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "is not the file that the run began with")
}
