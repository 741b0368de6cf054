package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/bench/kernel"
	"truegrain/bench/report"
	"truegrain/kernels"
)

// TestMain is the program itself where a test starts it as a child, which is how models ask for memory.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "memory" {
		main()
	}
	largestCopy = 1 << 20
	os.Exit(m.Run())
}

func bench(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func TestKernels(t *testing.T) {
	dir := t.TempDir()
	roof, old := filepath.Join(dir, "roof.png"), filepath.Join(dir, "old.json")
	args := []string{"kernels", "--op", "relu,conv2d/dx", "--shape", "1x6x6x8-8k3p1,1000",
		"--impl", "builtin,ref", "--time", "1ms"}
	code, out, errs := bench(t, append(args, "--json", "--roofline", roof)...)
	require.Zero(t, code, errs)
	require.FileExists(t, roof)
	require.Contains(t, errs, "results match ref; the largest")
	require.NoError(t, os.WriteFile(old, []byte(out), 0o644))
	r, err := report.Read(old)
	require.NoError(t, err)
	require.Equal(t, "kernels", r.Kind)
	require.NotEmpty(t, r.Before)
	require.NotEmpty(t, r.After)
	timed := 0
	for _, row := range r.Rows {
		if row.Skipped == "" {
			timed++
			require.Positive(t, row.Time.Median)
			require.LessOrEqual(t, row.Error, kernel.Tolerance)
		}
	}
	require.GreaterOrEqual(t, timed, 4)

	code, out, errs = bench(t, append(args, "--compare", old)...)
	require.Zero(t, code, errs)
	require.Contains(t, out, "new/old: geometric mean")
	require.Regexp(t, `relu/forward +1000 +ref .*\(.* to .*\)`, out)
}

func TestKernelsOfOnesOwn(t *testing.T) {
	kernel.Register("good", func(op kernels.GELU) { ref(op.X, op.Y) })
	kernel.Register("bad", func(op kernels.GELU) {})
	code, out, errs := bench(t, "kernels", "--op", "gelu/forward", "--shape", "77", "--impl", "good,bad",
		"--time", "1ms")
	require.Equal(t, exitFailed, code)
	require.Regexp(t, `gelu/forward +77 +good +\d`, out)
	require.Regexp(t, `gelu/forward +77 +bad +not timed: .*differs from ref`, out)
	require.Contains(t, errs, "1 results differ from ref")
}

// ref is GELU by the oracle.
func ref(x, y kernels.Buf) {
	be, err := kernels.Open("ref")
	if err != nil {
		panic(err)
	}
	be.GELU(kernels.GELU{N: x.Len(), X: x, Y: y})
}

func TestListTimesNothing(t *testing.T) {
	code, out, errs := bench(t, "kernels", "--list", "--model", "vit_l_16 b4")
	require.Zero(t, code, errs)
	require.Regexp(t, `linear/forward +788x1024-3072\+bias +vit_l_16 b4 ×24`, out)
	require.NotContains(t, out, "ceilings")
}

func TestModels(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace.json")
	code, out, errs := bench(t, "models", "--model", "resnet_mini,vit_mini", "--batch", "2",
		"--impl", "fast,exact,tape", "--time", "1ms", "--json", "--trace", trace)
	require.Zero(t, code, errs)
	var r report.Report
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.Len(t, r.Rows, 6)
	for _, row := range r.Rows {
		require.Equal(t, 2, row.Images)
		require.Greater(t, row.FLOPs, int64(1e6))
		require.Greater(t, row.PeakRSS, int64(1<<20))
		require.Less(t, row.Error, 1e-5)
	}
	checkTrace(t, trace, "layer1.0.conv1", "encoder.layers.encoder_layer_3.mlp.0")
}

func TestTrainingStep(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace.json")
	code, out, errs := bench(t, "models", "--model", "fcn8s_mini", "--batch", "2", "--train", "--time", "1ms",
		"--trace", trace)
	require.Zero(t, code, errs)
	require.Regexp(t, `fcn8s_mini b2 train +tape`, out)
	checkTrace(t, trace, "backbone.layer4.0.conv2", "up32", "backbone.conv1.weight")
}

// checkTrace sees that chrome://tracing can read a file, that its ops follow one another, and that layers are
// there.
func checkTrace(t *testing.T, path string, layers ...string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var trace struct {
		TraceEvents []struct {
			Name, Ph string
			TS, Dur  float64
			TID      int
			Args     map[string]any
		}
	}
	require.NoError(t, json.Unmarshal(data, &trace))
	seen, end := map[any]bool{}, map[int]float64{}
	for _, e := range trace.TraceEvents {
		if e.Ph != "X" {
			require.Equal(t, "M", e.Ph)
			continue
		}
		require.GreaterOrEqual(t, e.TS, end[e.TID]-0.01, "one op at a time")
		end[e.TID] = e.TS + e.Dur
		require.Contains(t, e.Args, "FLOPs")
		require.Contains(t, e.Args, "shape")
		seen[e.Args["layer"]] = true
	}
	for _, l := range layers {
		require.True(t, seen[l], "%s in %v", l, seen)
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		says string
		args []string
	}{
		{"there are conv2d", []string{"kernels", "--op", "conv3d"}},
		{"no row of the table", []string{"kernels", "--model", "lenet"}},
		{"a shape of your own", []string{"kernels", "--shape", "3x3x3"}},
		{"has 3 sizes, want 4", []string{"kernels", "--op", "conv2d", "--shape", "3x3x3"}},
		{"registered are", []string{"kernels", "--op", "relu", "--impl", "cpu:sse9"}},
		{"--cores is 99999", []string{"kernels", "--cores", "99999"}},
		{"no model", []string{"models", "--model", "lenet"}},
		{"no implementation", []string{"models", "--impl", "slow"}},
		{"want 1 to 1024", []string{"models", "--batch", "0"}},
		{"unexpected argument", []string{"kernels", "all"}},
	} {
		code, _, errs := bench(t, c.args...)
		require.Equal(t, exitUsage, code, errs)
		require.Contains(t, errs, c.says)
	}
}

// TestServe drives the line protocol as another program does: a training step's loss falls, and a kernel is
// timed.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "y")
	labels := filepath.Join(dir, "labels")
	require.NoError(t, writeFloats(labels, []float32{1, 5}))
	lines := []string{`{"do":"machine"}`,
		`{"do":"model","id":"m","model":"resnet_mini","impl":"tape","batch":2,"train":true,"labels":"` + labels + `"}`,
		`{"do":"time","id":"m","calls":1,"cold":true}`, `{"do":"output","id":"m","file":"` + out + `"}`,
		`{"do":"time","id":"m","seconds":0.001}`, `{"do":"drop","id":"m"}`, `{"do":"time","id":"m"}`,
		`{"do":"kernel","id":"k","op":"gemm","pass":"forward","shape":"20x30x40","impl":"builtin"}`,
		`{"do":"time","id":"k","seconds":0.005}`, `{"do":"sing","id":"k"}`, `nonsense`}
	var stdout, stderr bytes.Buffer
	require.Zero(t, run([]string{"serve"}, strings.NewReader(strings.Join(lines, "\n")), &stdout, &stderr),
		stderr.String())
	answers := make([]answer, len(lines))
	d := json.NewDecoder(&stdout)
	for i := range answers {
		require.NoError(t, d.Decode(&answers[i]))
	}
	require.NotEmpty(t, answers[0].Machine.Go)
	require.NotEmpty(t, answers[0].Ceiling)
	require.Positive(t, answers[1].FLOPs)
	require.Len(t, answers[2].Times, 1)
	loss := make([]float32, 1)
	require.NoError(t, readFloats(out, loss))
	require.InDelta(t, 6.9, loss[0], 2, "about the logarithm of 1000 classes")
	require.NotEmpty(t, answers[4].Times)
	require.Empty(t, answers[5].Error)
	require.Contains(t, answers[6].Error, "nothing ready")
	require.LessOrEqual(t, answers[7].Differs, kernel.Tolerance)
	require.Less(t, answers[8].Times[0], 1e-3)
	require.Contains(t, answers[9].Error, "sing")
	require.Contains(t, answers[10].Error, "invalid character")
}
