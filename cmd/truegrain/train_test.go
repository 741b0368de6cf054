package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/models"
	"truegrain/nn/state"
	"truegrain/train/folder"
)

// TestMain is the program itself in children that tests start.
func TestMain(m *testing.M) {
	if os.Getenv("TRUEGRAIN_IS_PROGRAM") != "" {
		if limit := os.Getenv("TRUEGRAIN_FILE_LIMIT"); limit != "" {
			limitFiles(limit)
		}
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// program is the program in a process of its own.
func program(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "TRUEGRAIN_IS_PROGRAM=1")
	return cmd
}

// mini are the flags of a short run of a small model by the recipe cnn-all.
func mini(data, out string, more ...string) []string {
	return append([]string{"train", data, "-r", "cnn-all", "--from-scratch", "-m", "resnet_mini", "--size",
		"32", "--batch", "16", "--epochs", "3", "--set", "log_every=1", "-o", out}, more...)
}

func TestRecipesAreListedAndPrinted(t *testing.T) {
	code, out, _ := call(t, "train", "--list")
	require.Zero(t, code)
	for _, name := range []string{"cnn-sd14", "fcn-finetuned", "vit-all-strong"} {
		require.Contains(t, out, name)
	}
	code, out, errs := call(t, "train", "-r", "vit-all", "--set", "data.batch=7", "--print")
	require.Zero(t, code, errs)
	path := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(path, []byte(out), 0o644))
	code, again, errs := call(t, "train", "-r", path, "--print")
	require.Zero(t, code, errs)
	require.Equal(t, out, again)
	require.Contains(t, out, "batch: 7")
}

func TestRecipesThatDoNotFitSayWhy(t *testing.T) {
	dir := tiny(t)
	bad := filepath.Join(dir, "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("extends: cnn-all\nmodel:\n  nam: resnet18\n"), 0o644))
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-r", bad}, exitUsage, `bad.yaml:3: unknown key "nam" in model; allowed are aux, classes, freeze, name, weights`},
		{[]string{"-r", "gan"}, exitUsage, "vit-sd14"},
		{[]string{"--set", "data.size=0.5"}, exitUsage, "set data.size=0.5"},
		{[]string{"-r", "vit-all", "--epochs", "3"}, exitUsage, "schedule.0.epochs"},
		{[]string{"-m", "vit_mini_8", "--size", "60"}, exitUsage, "a multiple of 8"},
		{[]string{"-m", "resnet_mini", "--loss", "pixel-bce"}, exitUsage, "no output for each pixel"},
		{[]string{"-m", "fcn8s_mini", "--loss", "bce"}, exitUsage, "pixel-mse or pixel-bce"},
		{[]string{"-m", "fcn8s_mini", "--set", "model.classes=2"}, exitUsage, "one output"},
		{[]string{"-m", "resnet_mini", "--set", "optimizer.groups.0.match=layer9.*"}, exitUsage,
			"matches no parameter"},
		{[]string{"-r", "fcn-all-strong", "-m", "fcn8s_mini", "--from-scratch"}, exitUsage,
			"no auxiliary head"},
		{[]string{"-r", "cnn-sd14", "--from-scratch"}, exitFailed, `no generator "sd14"; there are bilinear`},
		{[]string{"-r", "cnn-all"}, exitFailed, "--from-scratch"},
		{[]string{"--data", dir}, exitUsage, "two folders"},
		{[]string{"-o", filepath.Join(bad, "run"), "-m", "resnet_mini"}, exitFailed, "not a directory"},
	} {
		out := filepath.Join(t.TempDir(), "run")
		code, _, errs := call(t, append([]string{"train", dir, "-o", out}, c.args...)...)
		require.Equal(t, c.code, code, "%v: %s", c.args, errs)
		require.Contains(t, errs, c.want, "%v", c.args)
		require.NoDirExists(t, out, "nothing is made for a run that can't be")
	}
	code, _, errs := call(t, "train", "-r", "cnn-all")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "no pictures")
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "peaks", "train", "nature")))
	code, _, errs = call(t, "train", filepath.Join(dir, "peaks"), "-m", "resnet_mini")
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "6 AI pictures and 0 photographs")
}

// A run that is stopped and resumed leaves the very files of one that was not, with the same logs but for
// their times.
func TestStoppedRunGoesOn(t *testing.T) {
	dir, runs := tiny(t), t.TempDir()
	whole, pieces := filepath.Join(runs, "whole"), filepath.Join(runs, "pieces")
	code, _, errs := call(t, mini(dir, whole)...)
	require.Zero(t, code, errs)

	code, _, errs = call(t, mini(dir, pieces, "--budget", "1ns")...)
	require.Zero(t, code, errs)
	require.Contains(t, errs, "--resume")
	require.NoFileExists(t, filepath.Join(pieces, "detector.safetensors"))
	code, _, errs = call(t, mini(dir, pieces)...)
	require.Equal(t, exitUsage, code, "a folder with a run in it is not taken for another")
	require.Contains(t, errs, "--restart")
	code, _, errs = call(t, "train", "--resume", pieces, "--epochs", "9")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "--epochs")
	code, _, errs = call(t, "train", "--resume", pieces)
	require.Zero(t, code, errs)
	require.Contains(t, errs, "going on behind batch 1 of epoch 1")
	requireSameRun(t, whole, pieces)

	a, err := os.ReadFile(filepath.Join(whole, "metrics.csv"))
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(pieces, "metrics.csv"))
	require.NoError(t, err)
	require.Equal(t, strings.Count(string(a), "\n"), strings.Count(string(b), "\n"))
	code, _, errs = call(t, mini(dir, pieces, "--restart", "--epochs", "1")...)
	require.Zero(t, code, errs)
	code, _, errs = call(t, "train", "--resume", t.TempDir())
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "run.yaml")
}

func requireSameRun(t *testing.T, a, b string) {
	t.Helper()
	latest := func(dir string) string {
		found, err := filepath.Glob(filepath.Join(dir, "checkpoints", "*"))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		return found[len(found)-1]
	}
	for _, name := range []string{"best.safetensors", "detector.safetensors",
		filepath.Join("checkpoints", filepath.Base(latest(a)))} {
		x, err := os.ReadFile(filepath.Join(a, name))
		require.NoError(t, err)
		y, err := os.ReadFile(filepath.Join(b, name))
		require.NoError(t, err)
		require.True(t, bytes.Equal(x, y), "%s differs", name)
	}
}

// Ctrl-C and SIGTERM finish the step, save, and end with 130; the run goes on as if nothing had been.
func TestSignalsSaveAndEndWith130(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes: runs without -short")
	}
	dir, runs := tiny(t), t.TempDir()
	whole := filepath.Join(runs, "whole")
	code, _, errs := call(t, mini(dir, whole)...)
	require.Zero(t, code, errs)
	for i, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		out := filepath.Join(runs, fmt.Sprint("stopped", i))
		cmd := program(mini(dir, out)...)
		stderr, err := cmd.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		said := ""
		for !strings.Contains(said, "training and") { // it has begun
			b := make([]byte, 1000)
			n, err := stderr.Read(b)
			require.NoError(t, err, said)
			said += string(b[:n])
		}
		require.NoError(t, cmd.Process.Signal(sig))
		rest, err := io.ReadAll(stderr)
		require.NoError(t, err)
		err = cmd.Wait()
		if err == nil {
			t.Skip("needs a run that is slower than the signal; this one had ended")
		}
		require.Equal(t, exitInterrupted, cmd.ProcessState.ExitCode(), "%v: %s", err, rest)
		require.Contains(t, string(rest), "--resume")
		require.FileExists(t, filepath.Join(out, "best.safetensors"))
		code, _, errs = call(t, "train", "--resume", out)
		require.Zero(t, code, errs)
		requireSameRun(t, whole, out)
	}
}

func TestTheSecondRunInAFolderIsRefused(t *testing.T) {
	dir, out := tiny(t), filepath.Join(t.TempDir(), "run")
	f, err := folder.Open(out)
	require.NoError(t, err)
	defer f.Close()
	code, _, errs := call(t, mini(dir, out)...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "another run is at work")
}

// A checkpoint that does not fit on the disk ends the run with a message, and the one before it stays whole.
func TestFullDiskKeepsTheCheckpointBefore(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes: runs without -short")
	}
	dir, out := tiny(t), filepath.Join(t.TempDir(), "run")
	code, _, errs := call(t, mini(dir, out, "--budget", "1ns")...)
	require.Zero(t, code, errs)
	was := files(t, out)
	cmd := program("train", "--resume", out)
	cmd.Env = append(cmd.Env, "TRUEGRAIN_FILE_LIMIT=100000")
	said, err := cmd.CombinedOutput()
	if strings.Contains(string(said), "can't limit files") {
		t.Skip("this system does not limit files")
	}
	require.Error(t, err)
	require.Equal(t, exitFailed, cmd.ProcessState.ExitCode(), "%s", said)
	require.Contains(t, string(said), "file too large")
	require.Contains(t, string(said), "the checkpoint before it is as it was")
	require.Equal(t, was, files(t, out))
	code, _, errs = call(t, "train", "--resume", out)
	require.Zero(t, code, errs)
}

// files are the checkpoints of a run with their contents.
func files(t *testing.T, dir string) map[string][32]byte {
	out := map[string][32]byte{}
	for _, pattern := range []string{"best.safetensors", "checkpoints/*.safetensors"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		require.NoError(t, err)
		for _, f := range found {
			b, err := os.ReadFile(f)
			require.NoError(t, err)
			out[f] = sha256.Sum256(b)
		}
	}
	return out
}

func TestUnreadablePicturesAreLeftOutAndListed(t *testing.T) {
	dir, out := tiny(t), filepath.Join(t.TempDir(), "run")
	found, err := filepath.Glob(filepath.Join(dir, "peaks", "train", "ai", "*"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(found[1], []byte("words"), 0o644))
	code, _, errs := call(t, mini(dir, out)...)
	require.Equal(t, exitFailed, code, "one of a hundred is too many")
	require.Contains(t, errs, "too many pictures can't be read")
	code, _, errs = call(t, mini(dir, out, "--restart", "--set", "data.unreadable=0.1")...)
	require.Zero(t, code, errs)
	list, err := os.ReadFile(filepath.Join(out, "unread.txt"))
	require.NoError(t, err)
	require.Contains(t, string(list), found[1])
	require.Equal(t, 1, strings.Count(string(list), "\n"))
}

// savedMini saves fresh weights of a small model under a published file's kind of name.
func savedMini(t *testing.T, arch string) string {
	m, err := models.New(openCPU(t), arch, models.Config{Classes: 2, Seed: 77})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "w.safetensors")
	require.NoError(t, state.Save(path, m.Params(), nil, state.SaveOptions{}))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	named := filepath.Join(filepath.Dir(path), fmt.Sprintf("%s-%.4x.pth", arch, sha256.Sum256(b)))
	require.NoError(t, os.Rename(path, named))
	return named
}

func TestInitialWeights(t *testing.T) {
	dir := tiny(t)
	good := savedMini(t, "resnet_mini")
	bad := filepath.Join(t.TempDir(), "resnet_mini-00000000.pth")
	b, err := os.ReadFile(good)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(bad, b, 0o644))
	for _, c := range []struct {
		arch, weights string
		code          int
		want          string
	}{
		{"resnet_mini", good, 0, "fresh: fc.weight, fc.bias"},
		{"fcn8s_mini", good, 0, "fresh: score8.weight"}, // the backbone out of a classifier
		{"resnet_mini", filepath.Dir(good), 0, "fresh: fc.weight"},
		{"resnet_mini", bad, exitFailed, "its name says 00000000"},
		{"vit_mini_8", good, exitFailed, "do not fit the model"},
		{"resnet_mini", "nowhere.pth", exitFailed, "nowhere.pth"},
		{"resnet_mini", t.TempDir(), exitFailed, "--from-scratch"},
	} {
		out := filepath.Join(t.TempDir(), "run")
		code, _, errs := call(t, "train", dir, "-m", c.arch, "--set", "model.weights="+filepath.Base(good),
			"--weights", c.weights, "--epochs", "1", "-o", out)
		require.Equal(t, c.code, code, errs)
		require.Contains(t, errs, c.want)
	}
}

func TestRehearsalAndRates(t *testing.T) {
	dir, out := tiny(t), filepath.Join(t.TempDir(), "run")
	code, said, errs := call(t, mini(dir, out, "--dry-run", "--set", "accumulate=2")...)
	require.Zero(t, code, errs)
	for _, want := range []string{"layer4 ", "memory ", "3 epochs of 5 batches of 16: 9 updates",
		"output      [16 1]", "time "} {
		require.Contains(t, said, want)
	}
	code, said, errs = call(t, mini(dir, out, "--find-lr")...)
	require.Zero(t, code, errs)
	require.Greater(t, strings.Count(said, "\n"), 10)
	require.Contains(t, errs, "falls fastest")
	require.NoDirExists(t, out)
}

func TestOverfittingEndsWhenThePicturesAreKnown(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run.safetensors")
	code, _, errs := call(t, "train", tiny(t), "-m", "resnet_mini", "--size", "32", "--lr", "0.005",
		"--overfit", "8", "-o", out)
	require.Zero(t, code, errs)
	require.Contains(t, errs, "both losses are below 0.03")
	require.FileExists(t, out)
}

func TestSegmenterLearnsFromMasks(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	code, _, errs := call(t, "train", tiny(t), "-r", "fcn-finetuned", "--from-scratch", "-m", "fcn8s_mini",
		"--size", "64", "--epochs", "1", "-o", out)
	require.Zero(t, code, errs)
	require.Contains(t, errs, "14 training and 7 validation pictures")
	require.Contains(t, errs, "not calibrated", "all of them are AI")
	require.FileExists(t, filepath.Join(out, "detector.safetensors"))
}

// A finished run agrees with itself; a changed picture, weight or list is named.
func TestVerify(t *testing.T) {
	dir, out := tiny(t), filepath.Join(t.TempDir(), "run")
	code, _, errs := call(t, mini(dir, out)...)
	require.Zero(t, code, errs)
	code, said, errs := call(t, "verify", out)
	require.Zero(t, code, errs)
	require.Contains(t, said, "agrees")
	detector := filepath.Join(out, "detector.safetensors")
	whole, err := os.ReadFile(detector)
	require.NoError(t, err)

	spoilt := bytes.Clone(whole)
	spoilt[len(spoilt)-2] ^= 1 // in the last tensor of the file
	require.NoError(t, os.WriteFile(detector, spoilt, 0o644))
	code, said, errs = call(t, "verify", out)
	require.Equal(t, exitFailed, code, errs)
	require.Contains(t, said, "weight fc.bias: has other values")
	require.Contains(t, said, "scores differ")
	require.NotContains(t, said, "picture ")
	require.NoError(t, os.WriteFile(detector, whole, 0o644))

	pictures, err := filepath.Glob(filepath.Join(dir, "peaks", "test", "ai", "*"))
	require.NoError(t, err)
	other, err := os.ReadFile(pictures[1])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(pictures[0], other, 0o644))
	code, said, errs = call(t, "verify", out)
	require.Equal(t, exitFailed, code, errs)
	name, err := filepath.Rel(dir, pictures[0])
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("picture %s: is another file\n", name), said)
	require.NoError(t, os.Remove(pictures[0]))
	_, said, _ = call(t, "verify", out)
	require.Contains(t, said, "is not there any more")
	require.NoError(t, os.Remove(filepath.Join(out, "evaluation.csv")))
	code, _, errs = call(t, "verify", out)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "--resume")
}
