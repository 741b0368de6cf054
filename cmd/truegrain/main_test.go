package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/models/bundled"
	"truegrain/models/detect"
	"truegrain/train/data/synth"
)

// call runs the program without a process.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = runContext(context.Background(), args, &out, &err)
	return code, out.String(), err.String()
}

func TestSmallCommands(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"version"}, "truegrain"},
		{[]string{"devices"}, "cpu:generic"},
		{[]string{"--version"}, "truegrain"},
		{[]string{"--help"}, "analyze"},
		{nil, "Pictures:"},
		{[]string{"inspect", "vit_mini"}, "encoder.layers.encoder_layer_3.mlp.3"},
		{[]string{"inspect", "resnet_mini"}, "total"},
		{[]string{"inspect", "resnet_mini", "--frozen", "--batch", "2"}, "Winograd 4x4"},
		{[]string{"inspect", "resnet_mini", "--frozen"}, "--exact does without"},
		{[]string{"inspect", "resnet_mini", "--frozen", "--exact"}, "exact: as the model computes"},
		{[]string{"inspect", "resnet_mini", "--frozen", "--bf16"}, "bfloat16: "},
	} {
		code, out, errs := call(t, c.args...)
		require.Zero(t, code, "%v: %s", c.args, errs)
		require.Contains(t, out, c.want)
	}
}

func TestBadFlagsSayWhatIsAllowed(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"fly"}, "fly"},
		{[]string{"devices", "--fast"}, "--fast"},
		{[]string{"analyze"}, "'truegrain analyze --help'"},
		{[]string{"weights"}, "'truegrain weights --help'"},
		{[]string{"inspect", "resnet5"}, "resnet50"},
		{[]string{"analyze", "x.jpg", "--view", "square"},
			`--view must be one of "crop","resize","full" but`},
		{[]string{"analyze", "x.jpg", "--device", "tpu"}, "cpu:generic"},
		{[]string{"train", dir, "--epochs", "0"}, "--epochs"},
		{[]string{"train", dir, "--lr", "-1"}, "--lr"},
		{[]string{"train", dir, "--batch", "0"}, "--batch"},
		{[]string{"train", dir, "--optimizer", "lion"}, `one of "sgd","adam","adamw" but`},
		{[]string{"calibrate", "resnet_mini", dir}, "-o says where"},
		{[]string{"calibrate", "alexnet", dir}, "no such file or directory; bundled are"},
		{[]string{"train", dir, "--momentum", "2"}, "--momentum"},
		{[]string{"train", dir, "--model", "alexnet"}, "resnet50"},
		{[]string{"inspect", "resnet_mini", "--batch", "0"}, "--batch"},
		{[]string{"inspect", "resnet_mini", "--exact"}, "--frozen"},
		{[]string{"data", "synth", dir, "--train", "-1"}, "--train"},
		{[]string{"explain", "x.jpg", "--opacity", "2"}, "--opacity"},
		{[]string{"explain", "x.jpg", "--maps", "aura"}, "rollout"},
		{[]string{"explain", "x.jpg", "--attention", "first"}, "LAYER"},
		{[]string{"explain", "x.jpg", "-m", "resnet_mini", "--attention", "0"}, "transformer"},
		{[]string{"explain", "x.jpg", "--attention", "99"}, "layers are 0 to 3"},
		{[]string{"explain", "x.jpg", "--attention", "0:4"}, "heads 0 to 3"},
		{[]string{"explain", "x.jpg", "--view", "full"}, "vit_mini_8: view full"},
		{[]string{"analyze", "x.jpg", "--view", "full"}, "vit_mini_8: view full"},
		{[]string{"analyze", "x.jpg", "-m", "alexnet"}, "resnet_mini"},
		{[]string{"inspect", "vit_b_16", "--size", "100"}, "a multiple of 16"},
		{[]string{"eval", filepath.Join(dir, "none")}, "none"},
	} {
		code, _, errs := call(t, c.args...)
		require.Equal(t, exitUsage, code, "%v: %s", c.args, errs)
		require.Contains(t, errs, c.want, "%v", c.args)
	}
}

// tiny renders a set that is just large enough to go through every command.
func tiny(t *testing.T) string {
	dir := t.TempDir()
	_, err := synth.Make(t.Context(), dir, synth.Options{Seed: 5, Train: 6, Val: 2, Test: 2})
	require.NoError(t, err)
	return dir
}

func TestTrainEvalAnalyzeExplain(t *testing.T) {
	dir := tiny(t)
	checkpoint := filepath.Join(t.TempDir(), "runs", "mini.safetensors")
	code, out, errs := call(t, "train", dir, "-m", "resnet_mini", "--epochs", "1", "--batch", "8", "-o",
		checkpoint)
	require.Zero(t, code, errs)
	require.Contains(t, out, checkpoint)

	code, out, errs = call(t, "weights", "inspect", checkpoint)
	require.Zero(t, code, errs)
	require.Contains(t, out, "layer4.0.bn2.running_var")
	require.Contains(t, out, "detector: resnet_mini")

	code, out, errs = call(t, "eval", dir, "--model", checkpoint, "--split", "test")
	require.Zero(t, code, errs)
	require.Contains(t, out, "picture size alone 50.0 %")

	pictures, err := filepath.Glob(filepath.Join(dir, "inpaint", "test", "pictures", "*"))
	require.NoError(t, err)
	maps := filepath.Join(t.TempDir(), "maps")
	code, _, errs = call(t, "explain", pictures[0], "--model", checkpoint, "--maps", "cam,grad_cam_ai", "-o",
		maps)
	require.Zero(t, code, errs)
	for _, name := range []string{"mini-cam.png", "mini-grad_cam_ai.png", "panel.png"} {
		requirePNG(t, filepath.Join(maps, name))
	}
	code, out, errs = call(t, "explain", pictures[0], "-m", checkpoint, "-m", checkpoint, "--maps", "cam",
		"-o", maps)
	require.Zero(t, code, errs)
	require.Contains(t, out, "mini-2: AI", "two checkpoints of one name stay apart")
	requirePNG(t, filepath.Join(maps, "mini-2-cam.png"))
	code, _, errs = call(t, "explain", pictures[0], "--model", "vit_mini_8", "--maps", "rollout",
		"--attention", "0,2:1", "-o", maps)
	require.Zero(t, code, errs)
	for _, name := range []string{"rollout", "attention_l0", "attention_l2_h1"} {
		requirePNG(t, filepath.Join(maps, "vit_mini_8-"+name+".png"))
	}
	code, _, errs = call(t, "explain", pictures[0], "--model", "vit_mini_8", "--attention", "9", "-o", maps)
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "vit_mini_8 has no Attention, layer 9: its layers are 0 to 3")
}

func requirePNG(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	_, err = png.Decode(f)
	require.NoError(t, err, path)
}

func TestAnalyzeJSONAndReport(t *testing.T) {
	dir := tiny(t)
	code, out, errs := call(t, "analyze", filepath.Join(dir, "peaks", "test"), "--json")
	require.Zero(t, code, errs)
	var results []result
	require.NoError(t, json.Unmarshal([]byte(out), &results))
	require.Len(t, results, 4)
	for _, r := range results {
		require.Len(t, r.Detectors, len(bundled.Names()))
		for _, v := range r.Detectors {
			require.GreaterOrEqual(t, v.AI, 0.0)
			require.LessOrEqual(t, v.AI, 1.0)
			require.Less(t, v.Band[0], v.Band[1])
			require.Positive(t, v.Seconds)
		}
	}

	report := filepath.Join(t.TempDir(), "report")
	code, out, errs = call(t, "analyze", filepath.Join(dir, "peaks", "test"), "--report", report)
	require.Zero(t, code, errs)
	require.Contains(t, out, "prove nothing about a real picture")
	page, err := os.ReadFile(filepath.Join(report, "0001.html"))
	require.NoError(t, err)
	index, err := os.ReadFile(filepath.Join(report, "index.html"))
	require.NoError(t, err)
	require.Contains(t, string(index), "4 pictures")
	sheets, err := filepath.Glob(filepath.Join(report, "pictures", "0001", "*-*.png"))
	require.NoError(t, err)
	require.Len(t, sheets, 8+8+5, "every map of three detectors")
	for _, s := range sheets {
		requirePNG(t, s)
		require.Contains(t, string(page), filepath.Base(s))
	}
}

// What is wrong with a file is one line with its name and the reason; the others are analysed; the exit code
// is 1.
func TestBadPicturesAreNamedAndTheRestGoesOn(t *testing.T) {
	dir := tiny(t)
	good, err := filepath.Glob(filepath.Join(dir, "nearest", "test", "ai", "*"))
	require.NoError(t, err)
	bad := map[string]string{"empty.jpg": "", "text.png": "these are words",
		"cut.png": "\x89PNG\r\n\x1a\n\x00\x00"}
	args := []string{"analyze", good[0]}
	for name, content := range bad {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
		args = append(args, path)
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "no pictures"), 0o755))
	args = append(args, filepath.Join(dir, "no pictures"), filepath.Join(dir, "missing.jpg"), good[0])
	code, out, errs := call(t, append(args, "--json")...)
	require.Equal(t, exitFailed, code)
	var results []result
	require.NoError(t, json.Unmarshal([]byte(out), &results))
	require.Len(t, results, 7)
	require.Empty(t, results[0].Error)
	require.Empty(t, results[6].Error, "the rest of the batch goes on")
	for name, why := range map[string]string{"empty.jpg": "empty", "text.png": "not a JPEG",
		"cut.png":     "cut short",
		"missing.jpg": "no such file", "no pictures": "holds no picture"} {
		line := ""
		for l := range strings.Lines(errs) {
			if strings.Contains(l, name) {
				line = l
			}
		}
		require.Contains(t, line, why)
	}
}

func TestInterruptedIs130(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	require.Equal(t, exitInterrupted, runContext(ctx, []string{"data", "synth", t.TempDir()}, &out, &errs))
	require.Contains(t, errs.String(), "interrupted")
}

func TestBundledDetectorsKeepTheirPromise(t *testing.T) {
	require.Len(t, bundled.Names(), 3)
	total := 0
	for _, name := range bundled.Names() {
		info, err := os.Stat(filepath.Join("..", "..", "models", "bundled", "weights", name+".safetensors"))
		require.NoError(t, err)
		total += int(info.Size())
	}
	require.Less(t, total, 3<<20)
	detectors, err := loadDetectors(openCPU(t), nil)
	require.NoError(t, err)
	for i, d := range detectors {
		c := d.Card
		require.GreaterOrEqual(t, c.Test.Interval[0], 0.9, d.Name)
		require.LessOrEqual(t, c.Test.ECE, 0.05, d.Name)
		require.InDelta(t, 0.5, c.Test.SizeFloor, 0.02, d.Name)
		require.NotEmpty(t, c.Note, d.Name)
		require.Equal(t, []string{"CNN", "FCN", "ViT"}[i], d.Short())
		for _, m := range detect.MapNames(d.Model) {
			require.Positive(t, c.Scales[m], "%s: %s has no scale", d.Name, m)
		}
	}
	require.GreaterOrEqual(t, detectors[1].Card.Test.IoU, 0.5)
}

// The cards are not taken at their word: fresh synthetic pictures, which no training saw, score as they say.
func TestBundledDetectorsOnFreshPictures(t *testing.T) {
	if testing.Short() {
		t.Skip("renders and scores 112 pictures: runs without -short")
	}
	dir := t.TempDir()
	_, err := synth.Make(t.Context(), dir, synth.Options{Seed: 4711, Test: 7})
	require.NoError(t, err)
	code, out, errs := call(t, "eval", dir, "--split", "test", "--json")
	require.Zero(t, code, errs)
	var report struct {
		Results []struct {
			Detector, Set, Known string
			Part                 bool
			Measures             map[string]struct{ Value, Lo, Hi float64 }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	require.Len(t, report.Results, 3*9, "three detectors on the whole and on eight generators")
	seen, unseen := map[string]float64{}, map[string]float64{}
	for _, r := range report.Results {
		a := r.Measures["accuracy"]
		require.LessOrEqual(t, a.Lo, a.Value)
		require.GreaterOrEqual(t, a.Hi, a.Value)
		switch {
		case !r.Part:
			require.Equal(t, "mixed", r.Known)
			require.GreaterOrEqual(t, a.Value, 0.9, r.Detector)
		case r.Known == "unseen":
			require.Equal(t, "grain", r.Set)
			unseen[r.Detector] += a.Value
		default:
			seen[r.Detector] += a.Value
		}
	}
	for name, v := range seen {
		require.GreaterOrEqual(t, v, 7*unseen[name], "%s is no better on what it has never seen", name)
	}
}

func openCPU(t *testing.T) kernels.Backend {
	be, err := kernels.Open("cpu")
	require.NoError(t, err)
	t.Cleanup(func() { be.Close() })
	return be
}
