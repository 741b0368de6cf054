package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels/kerneltest"
	"truegrain/nn/golden"
	"truegrain/nn/state"
)

// device is a set of pictures, and a small detector that the device of these tests has trained on it.
type device struct{ spec, dir, detector, run string }

// trained trains into a folder of its own.
func (d device) trained(t *testing.T, more ...string) device {
	t.Helper()
	d.run = filepath.Join(t.TempDir(), "run")
	d.detector = d.run + ".safetensors"
	args := []string{"train", d.dir, "-m", "resnet_mini", "--size", "16", "--limit", "4", "--batch", "2",
		"--epochs", "1", "--device", d.spec, "-o", d.detector}
	code, _, errs := call(t, append(args, more...)...)
	require.Zero(t, code, errs)
	return d
}

// TestDevice goes through every command that computes, on a GPU or the emulator.
func TestDevice(t *testing.T) {
	d := device{spec: kerneltest.AcceleratorSpec(t), dir: tiny(t)}.trained(t)
	t.Run("trains", d.trains)
	t.Run("judges", d.judges)
	t.Run("explains", d.explains)
	t.Run("finds a rate", d.findsARate)
	t.Run("serves", d.serves)
}

// trains: two runs end with the same bytes, one with products in bfloat16 with other ones near them.
func (d device) trains(t *testing.T) {
	read := func(d device) []byte {
		data, err := os.ReadFile(d.detector)
		require.NoError(t, err)
		return data
	}
	require.True(t, bytes.Equal(read(d), read(d.trained(t))), "two runs")
	code, out, errs := call(t, "verify", d.run)
	require.Zero(t, code, errs)
	require.Contains(t, out, "every score to the last bit")

	weights := func(d device) []float32 {
		f, err := state.Open(d.detector)
		require.NoError(t, err)
		defer f.Close()
		w, err := f.Float32s("fc.weight")
		require.NoError(t, err)
		return w
	}
	half := weights(d.trained(t, "--set", "precision=bf16"))
	require.NotEqual(t, weights(d), half)
	require.InDeltaSlice(t, weights(d), half, 0.02)
}

// raws are a detector's raw scores of the test pictures.
func (d device) raws(t *testing.T, spec string) (out []float64) {
	t.Helper()
	code, text, errs := call(t, "analyze", filepath.Join(d.dir, "peaks", "test"),
		"--json", "--device", spec, "-m", d.detector)
	require.Zero(t, code, errs)
	var results []result
	require.NoError(t, json.Unmarshal([]byte(text), &results))
	for _, r := range results {
		require.Empty(t, r.Error)
		for _, v := range r.Detectors {
			out = append(out, v.Raw)
		}
	}
	return out
}

// judges: scores are those of the CPU, and every command that scores takes the device.
func (d device) judges(t *testing.T) {
	want := d.raws(t, "cpu")
	require.Len(t, want, 4)
	require.InDeltaSlice(t, want, d.raws(t, d.spec), 1e-4)

	code, out, errs := call(t, "eval", d.dir, "-m", d.detector, "--split", "test", "--device", d.spec,
		"--samples", "20", "--limit", "4")
	require.Zero(t, code, errs)
	require.Contains(t, out, "picture size alone")
	calibrated := filepath.Join(t.TempDir(), "calibrated.safetensors")
	code, _, errs = call(t, "calibrate", d.detector, d.dir, "--limit", "4", "--device", d.spec,
		"-o", calibrated)
	require.Zero(t, code, errs)
	require.FileExists(t, calibrated)
	for _, more := range [][]string{nil, {"--frozen", "--bf16"}} {
		code, out, errs = call(t, append([]string{"inspect", d.detector, "--device", d.spec}, more...)...)
		require.Zero(t, code, errs)
		require.Contains(t, out, "total")
	}
}

// explains draws every kind of map.
func (d device) explains(t *testing.T) {
	maps := t.TempDir()
	pictures, err := filepath.Glob(filepath.Join(d.dir, "inpaint", "test", "pictures", "*"))
	require.NoError(t, err)
	code, out, errs := call(t, "explain", pictures[0], "-m", d.detector, "--view", "resize",
		"--device", d.spec, "-o", maps)
	require.Zero(t, code, errs)
	require.Contains(t, out, "run: ")
	for _, name := range []string{"run-cam", "run-grad_cam_ai", "run-gradient", "run-guided_ai",
		"run-guided_grad_cam_photograph", "panel"} {
		requirePNG(t, filepath.Join(maps, name+".png"))
	}
	code, _, errs = call(t, "explain", pictures[0], "-m", "vit_mini_8", "--view", "resize",
		"--maps", "rollout", "--attention", "0", "--device", d.spec, "-o", maps)
	require.Zero(t, code, errs)
	requirePNG(t, filepath.Join(maps, "vit_mini_8-rollout.png"))
	requirePNG(t, filepath.Join(maps, "vit_mini_8-attention_l0.png"))
}

// findsARate, and says what a run would take.
func (d device) findsARate(t *testing.T) {
	args := []string{"train", d.dir, "-m", "resnet_mini", "--size", "16", "--limit", "8", "--batch", "2",
		"--device", d.spec, "-o", filepath.Join(t.TempDir(), "run")}
	kind, _, _ := strings.Cut(d.spec, ":")
	code, out, errs := call(t, append(args, "--dry-run")...)
	require.Zero(t, code, errs)
	require.Contains(t, out, "of a matrix product on "+kind)
	if kind == "emu" && !golden.Slow() {
		t.Skip("a hundred updates take a minute on the emulator; set TRUEGRAIN_SLOW=1")
	}
	code, out, errs = call(t, append(args, "--find-lr")...)
	require.Zero(t, code, errs)
	require.Contains(t, out, "lr,loss")
}

// listening is standard error until the server says where it is.
type listening struct {
	sync.Mutex
	bytes.Buffer
	at chan string
}

var address = regexp.MustCompile(`truegrain: (http://\S+) with`)

func (l *listening) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	n, err := l.Buffer.Write(p)
	if m := address.FindSubmatch(l.Bytes()); m != nil && l.at != nil {
		l.at <- string(m[1])
		l.at = nil
	}
	return n, err
}

// WriteString is not the buffer's.
func (l *listening) WriteString(s string) (int, error) { return l.Write([]byte(s)) }

// serves answers, and ends when it is told to.
func (d device) serves(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	errs := &listening{at: make(chan string, 1)}
	at, done := errs.at, make(chan int, 1)
	go func() {
		done <- runContext(ctx, []string{"serve", "-m", d.detector, "--device", d.spec,
			"--listen", "127.0.0.1:0"}, &bytes.Buffer{}, errs)
	}()
	select {
	case code := <-done:
		t.Fatalf("ended with %d: %s", code, errs.String())
	case url := <-at:
		r, err := http.Get(url) //nolint:noctx // the server is this test's
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		require.Equal(t, http.StatusOK, r.StatusCode)
	}
	cancel()
	<-done
}

// TestNoDeviceIsSaid: what is wrong and what to do, before anything is read or written.
func TestNoDeviceIsSaid(t *testing.T) {
	for _, args := range [][]string{{"analyze", "x.jpg"}, {"explain", "x.jpg"}, {"inspect", "resnet_mini"},
		{"serve"}} {
		code, _, errs := call(t, append(args, "--device", "cuda:7")...)
		require.Equal(t, exitUsage, code, errs)
		require.Regexp(t, `open backend "cuda:7": .*('make cuda' builds|install NVIDIA's driver|the driver lists)`, errs)
	}
}
