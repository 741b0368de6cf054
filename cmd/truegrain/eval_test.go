package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/models/bundled"
	"truegrain/models/detect"
	"truegrain/nn/card"
)

// copied is a bundled detector as a file.
func copied(t *testing.T, dir, name string) string {
	src, err := os.ReadFile(filepath.Join("..", "..", "models", "bundled", "weights", name+".safetensors"))
	require.NoError(t, err)
	path := filepath.Join(dir, name+".safetensors")
	require.NoError(t, os.WriteFile(path, src, 0o644))
	return path
}

func TestEvalInViewsAndUnderDegradation(t *testing.T) {
	dir, out := tiny(t), filepath.Join(t.TempDir(), "ev")
	args := []string{"eval", dir, "--split", "test", "-m", "resnet_mini", "-m", "fcn8s_mini",
		"-m", "vit_mini_8", "--view", "crop,random,resize,full", "--degrade", "jpeg50,messenger",
		"--samples", "50", "--no-by-generator", "--limit", "8", "-o", out}
	code, text, errs := call(t, args...)
	require.Zero(t, code, errs)
	require.Contains(t, text, "resnet_mini on "+filepath.Base(dir)+", full size")
	require.NotContains(t, text, "vit_mini_8 on "+filepath.Base(dir)+", full size", "a transformer has none")
	require.Contains(t, text, "messenger")
	require.Contains(t, text, "pixels: accuracy")
	for _, name := range []string{"report.html", "report.json", "tables.md",
		"roc-" + filepath.Base(dir) + "-crop.svg"} {
		require.FileExists(t, filepath.Join(out, name))
	}
	f, err := os.Open(filepath.Join(out, "results.csv"))
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1+3*(4+4+3), "three detectors in their views, as they are and twice degraded")

	// what is kept is not computed again: a kept score that is changed by hand shows
	kept := filepath.Join(out, "predictions", "resnet_mini-crop-none.jsonl")
	src, err := os.ReadFile(kept)
	require.NoError(t, err)
	require.Equal(t, 9, bytes.Count(src, []byte("\n")), "a head and eight pictures")
	lines := strings.Split(string(src), "\n")
	for i, l := range lines {
		if at := strings.Index(l, `"raw":`); at >= 0 {
			end := at + strings.Index(l[at:], ",")
			lines[i] = l[:at] + `"raw":0.5000001` + l[end:]
		}
	}
	require.NoError(t, os.WriteFile(kept, []byte(strings.Join(lines, "\n")), 0o644))
	code, again, errs := call(t, args...)
	require.Zero(t, code, errs)
	require.NotEqual(t, text, again)
	require.Contains(t, again, "AUC 0.500")
}

func TestEvalOfMasksAndSets(t *testing.T) {
	dir := tiny(t)
	code, out, errs := call(t, "eval", dir, "--sets", dir)
	require.Equal(t, exitUsage, code, out+errs)

	sets := filepath.Join(dir, "sets.yaml")
	require.NoError(t, os.WriteFile(sets, []byte(`sets:
  - {name: seen, data: ., split: test, exclude: [grain]}
  - {name: held out, data: ., split: test, generators: [grain]}
  - {name: composites, data: ., split: test, masks: true}
`), 0o644))
	code, out, errs = call(t, "eval", "--sets", sets, "-m", "fcn8s_mini", "--samples", "20")
	require.Zero(t, code, errs)
	require.Contains(t, out, "fcn8s_mini on seen")
	require.Contains(t, out, "masks: IoU")
	require.Regexp(t, `trained \\ tested +seen +held out +composites`, out)

	code, out, errs = call(t, "eval", dir, "--split", "test", "-m", "resnet_mini", "--protocol", "unbiased",
		"--samples", "0",
		"--json")
	require.Zero(t, code, errs)
	require.Contains(t, out, `"protocol": "unbiased"`)

	code, _, errs = call(t, "eval", dir, "--split", "test", "--degrade", "sepia")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "jpegN")
}

// The scores that were made before an interruption are kept.
func TestEvalInterrupted(t *testing.T) {
	dir, out := tiny(t), filepath.Join(t.TempDir(), "ev")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitInterrupted, runContext(ctx, []string{"eval", dir, "-m", "resnet_mini", "-o", out},
		&stdout, &stderr))
	require.Contains(t, stderr.String(), "the same command goes on")
}

func TestCalibrate(t *testing.T) {
	dir, work := tiny(t), t.TempDir()
	for _, method := range []string{"platt", "platt-mse", "temperature"} {
		path := copied(t, work, "resnet_mini")
		diagram := filepath.Join(work, "reliability")
		code, out, errs := call(t, "calibrate", path, dir, "--method", method, "--plot", diagram)
		require.Zero(t, code, errs)
		require.Contains(t, out, "log loss")
		requirePNG(t, diagram+".png")
		require.FileExists(t, diagram+".svg")
		d, err := detect.Load(openCPU(t), path)
		require.NoError(t, err)
		require.Equal(t, method, d.Card.Calibration.Method)
		require.Len(t, d.Card.Reliability, 10)
		require.NotEmpty(t, d.Card.Test.Sets)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Less(t, info.Size(), int64(1<<20), "half precision stays that")
	}
	code, _, errs := call(t, "calibrate", bundled.Names()[0], dir)
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "-o")
	code, _, errs = call(t, "calibrate", filepath.Join(work, "resnet_mini.safetensors"), dir, "--fpr", "2")
	require.Equal(t, exitUsage, code, errs)
}

// One detector's verdict beside another's pixels.
func TestCalibrateNamesAnotherMap(t *testing.T) {
	dir, work := tiny(t), t.TempDir()
	path, fine := copied(t, work, "resnet_mini"), copied(t, work, "fcn8s_mini")
	code, _, errs := call(t, "calibrate", path, dir, "--map-from", copied(t, t.TempDir(), "fcn8s_mini"))
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "folder")
	t.Chdir(work)
	code, _, errs = call(t, "calibrate", filepath.Base(path), dir, "--map-from", filepath.Base(fine))
	require.Zero(t, code, errs)
	d, err := detect.Load(openCPU(t), path)
	require.NoError(t, err)
	require.Equal(t, "fcn8s_mini.safetensors", d.Card.MapFrom.File)
	require.Equal(t, card.Platt, d.Card.Calibration.Method)
	code, out, errs := call(t, "eval", dir, "--split", "test", "-m", path, "--samples", "10", "--limit", "6")
	require.Zero(t, code, errs)
	require.Contains(t, out, "pixels: accuracy")
}
