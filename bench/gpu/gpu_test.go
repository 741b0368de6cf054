package gpu

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/bench/report"
	"truegrain/bench/table"
	"truegrain/bench/workload"
	"truegrain/kernels"
	_ "truegrain/kernels/all"
	"truegrain/kernels/kerneltest"
)

// TestMain is PyTorch's side in a child that a test starts: it answers as bench/gpu/peers.py does, with times
// that follow from what it is asked.
func TestMain(m *testing.M) {
	if os.Getenv("TRUEGRAIN_IS_PEER") == "" {
		os.Exit(m.Run())
	}
	ready := map[string]bool{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var a ask
		var t told
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			panic(err)
		}
		switch {
		case a.Do == "hello":
			t.Title = "a stand-in for PyTorch"
		case a.Do == "model" && a.Model == "vit_mini" && a.How == "compiled":
			t.Error = "no compiler here"
		case a.Do == "model" || a.Do == "kernel":
			ready[a.ID] = true
		case a.Do == "drop":
			delete(ready, a.ID)
		case !ready[a.ID]:
			t.Error = "not ready: " + a.ID
		default:
			t.Times = []float64{1e-3, 2e-3, 1e-3}
		}
		out, _ := json.Marshal(t)
		fmt.Println(string(out))
	}
}

// small is a plan that the emulator does in seconds.
func small() Plan {
	row := func(op, pass, shape string) table.Row {
		return table.Row{Op: op, Pass: pass, Shape: shape, Uses: []table.Use{{Model: "named", Times: 1}}}
	}
	return Plan{
		Check: []table.Row{row("gemm", "forward", "5x8x16+tb"), row("conv2d", "forward", "1x5x6x8-16k3p1+bias+relu"),
			row("conv2d", "forward", "1x5x6x3-4k3p1"), row("conv2d", "dw", "1x5x6x8-16k3p1"),
			row("attention", "backward", "1x2x5x8+lse"), row("batchnorm", "backward", "30x6+train+relu"),
			row("maxpool2d", "backward", "1x6x6x4k3s2p1+index"), row("crossentropy", "backward", "6x5"),
			row("adam", "forward", "100+decoupled"), row("linear", "dx", "6x8-16+bias")},
		Kernels: []table.Row{row("gemm", "forward", "16x24x32+tb"), row("linear", "dw", "6x8-16"),
			row("batchnorm", "forward", "30x6+train+relu+sums")},
		Peers: []table.Row{row("gemm", "forward", "16x24x32+tb")},
		Models: []Model{
			{workload.Spec{Model: "resnet_mini", Batch: 1, Size: 16}, []string{"bfloat16", "exact"}},
			{workload.Spec{Model: "resnet_mini", Batch: 1, Size: 16, Train: true}, []string{Mixed, Float32}}},
		Rounds: 2, Seconds: 1e-3, Python: []string{os.Args[0]},
	}
}

func options(t *testing.T, part string) Options {
	return Options{Part: part, Dir: t.TempDir(), Limit: time.Hour, Plan: small(), Say: io.Discard}
}

func text(t *testing.T, o Options, be kernels.Backend) string {
	data, err := os.ReadFile(fileOf(o.Dir, be.(kernels.Accelerator).Hardware()) + ".md")
	require.NoError(t, err)
	return string(data)
}

func TestDeviceCheck(t *testing.T) {
	be, o := kerneltest.Accelerator(t), options(t, "check")
	require.NoError(t, Run(t.Context(), be, o))
	r, err := load(fileOf(o.Dir, be.(kernels.Accelerator).Hardware()) + ".json")
	require.NoError(t, err)
	require.Len(t, r.of("check"), 9, "two shapes of a convolution are one step")
	n := 0
	for _, s := range r.Steps {
		for _, row := range s.Rows {
			require.Empty(t, row.Skipped, row.Name)
			require.Less(t, row.Error, map[string]float64{"float32": 1e-5, "bfloat16": 4e-3}[row.Impl], row.Name)
			n++
		}
	}
	require.Equal(t, 2*len(o.Plan.Check), n)
	require.Contains(t, text(t, o, be), "20 results match.")
}

// lame is a device with a kernel that is wrong.
type lame struct{ kernels.Accelerator }

func (l lame) Gemm(o kernels.Gemm) {
	o.Alpha = 1.01
	l.Accelerator.Gemm(o)
}

func TestDeviceCheckFindsAWrongKernel(t *testing.T) {
	be, o := kerneltest.Accelerator(t), options(t, "check")
	require.ErrorIs(t, Run(t.Context(), lame{be.(kernels.Accelerator)}, o), ErrDiffers)
	report := text(t, o, be)
	require.Contains(t, report, "**2 do not:**")
	require.Contains(t, report, "| gemm/forward 5x8x16+tb | float32 | gemm/forward 5x8x16+tb: differs from ref")
}

func TestDeviceKernels(t *testing.T) {
	be, o := kerneltest.Accelerator(t), options(t, "kernels")
	require.NoError(t, Run(t.Context(), be, o))
	r, err := load(fileOf(o.Dir, be.(kernels.Accelerator).Hardware()) + ".json")
	require.NoError(t, err)
	for _, s := range r.of("kernels") {
		require.Len(t, s.Rows, 2)
		for _, row := range s.Rows {
			require.Empty(t, row.Skipped)
			require.Positive(t, row.Time.Median, row.Name)
			require.Equal(t, 2, row.Time.N)
			require.Positive(t, row.OfCopy, row.Name)
			require.Positive(t, row.OfPeak, row.Name)
		}
		require.Less(t, s.Rows[0].Bytes, s.Rows[1].Bytes, "bfloat16 is half")
	}
	require.Contains(t, text(t, o, be), "| gemm/forward 16x24x32+tb | named | bfloat16 |")
	require.Contains(t, text(t, o, be), "Not checked yet")
}

// TestDeviceKernelsGoesOn behind a shape that the device refuses.
func TestDeviceKernelsGoesOn(t *testing.T) {
	be, o := kerneltest.Accelerator(t), options(t, "kernels")
	o.Plan.Kernels[0] = table.Row{Op: "attention", Pass: "forward", Shape: "1x1x5x256", Uses: o.Plan.Kernels[0].Uses}
	require.NoError(t, Run(t.Context(), be, o))
	require.Contains(t, text(t, o, be), "| not timed: attention: HD: is 256;")
	require.Contains(t, text(t, o, be), "| linear/dw 6x8-16 | named | float32 | ")
}

func TestDeviceModels(t *testing.T) {
	be, o := kerneltest.Accelerator(t), options(t, "models")
	require.NoError(t, Run(t.Context(), be, o))
	report := text(t, o, be)
	for _, way := range []string{"resnet_mini b1 16x16 | bfloat16", "resnet_mini b1 16x16 | exact",
		"resnet_mini b1 16x16 train | mixed", "resnet_mini b1 16x16 train | float32"} {
		require.Contains(t, report, "| "+way+" | ")
	}
}

func TestDevicePeers(t *testing.T) {
	t.Setenv("TRUEGRAIN_IS_PEER", "1")
	be, o := kerneltest.Accelerator(t), options(t, "peers")
	require.NoError(t, Run(t.Context(), be, o))
	r, err := load(fileOf(o.Dir, be.(kernels.Accelerator).Hardware()) + ".json")
	require.NoError(t, err)
	require.Equal(t, "a stand-in for PyTorch", r.Peer)
	s := r.find("peers", "resnet_mini b1 16x16 train")
	require.Len(t, s.Rows, 3)
	require.Len(t, s.Ratios, 2)
	require.Equal(t, "mixed", s.Ratios[1].Ours)
	require.Equal(t, "PyTorch compiled", s.Ratios[1].Theirs)
	require.InDelta(t, s.Rows[0].Time.Median/1e-3, s.Ratios[1].Median, 0.5*s.Ratios[1].Median)
	require.Equal(t, 1e-3, s.Rows[1].Time.Median)
	require.Contains(t, text(t, o, be), "PyTorch eager | 1.00 ms | 1000 img/s")

	o.Plan.Models, o.Again = []Model{{workload.Spec{Model: "vit_mini", Batch: 1}, []string{"exact"}}}, true
	require.NoError(t, Run(t.Context(), be, o))
	require.Contains(t, text(t, o, be), "vit_mini b1 | PyTorch compiled | not timed: PyTorch: no compiler here")
	require.Contains(t, text(t, o, be), "vit_mini b1 | PyTorch eager | 1.00 ms")
	o.Plan.Python = []string{filepath.Join(t.TempDir(), "nowhere")}
	require.ErrorContains(t, Run(t.Context(), be, o), "nowhere")
	o.Plan.Python = []string{"false"}
	require.ErrorContains(t, Run(t.Context(), be, o), "PyTorch's process has ended")
}

// TestThePythonSideSaysWhatIsMissing: without a GPU, or without PyTorch, every answer says so.
func TestThePythonSideSaysWhatIsMissing(t *testing.T) {
	p, err := startPeer(t.Context(), []string{"python3", "peers.py"})
	if err == nil {
		p.close()
		t.Skip("needs a machine without PyTorch or without a GPU")
	}
	if strings.Contains(err.Error(), "executable file not found") {
		t.Skip("needs python3")
	}
	require.Regexp(t, "it finds no GPU|--python names an interpreter", err)
}

// TestDevicePredictions are made of launches that are counted.
func TestDevicePredictions(t *testing.T) {
	be, err := kernels.Open("dry")
	if errors.Is(err, kernels.ErrNoBackend) {
		t.Skip("needs a build with the tag cuda or emu")
	}
	require.NoError(t, err)
	defer be.Close()
	var out strings.Builder
	require.NoError(t, Predict(be, small(), &out))
	require.Regexp(t, `## resnet_mini b1 16x16, bfloat16: \d+ img/s, at most \d+`, out.String())
	require.Regexp(t, `## resnet_mini b1 16x16 train, mixed: \d+ img/s`, out.String())
	require.Contains(t, out.String(), "| gemm_nt_64_sm90_bf16 |")
	require.Equal(t, 2, strings.Count(out.String(), "| 100.0 % |"))
	acc := be.(kernels.Counter)
	acc.HighWater()
	require.Zero(t, acc.HighWater(), "each model gives its memory back")
	host, err := kernels.Open("cpu")
	require.NoError(t, err)
	defer host.Close()
	require.ErrorContains(t, Predict(host, small(), &out), "--device dry")
}

// TestDeviceAccesses are counted on a few blocks of each launch.
func TestDeviceAccesses(t *testing.T) {
	be, err := kernels.Open("emu:sample")
	if err != nil {
		t.Skip(err)
	}
	defer be.Close()
	var out strings.Builder
	require.NoError(t, Accesses(be, small(), "", &out))
	require.Regexp(t, `\| gemm_\S+_sm90_bf16 \| 1 \| \d+ \| [1-9]\d* \| \d\.\d\d \|`, out.String())
	require.NotContains(t, out.String(), "NaN")
	var none strings.Builder
	require.NoError(t, Accesses(be, small(), "no such op", &none))
	require.NotContains(t, none.String(), "##")
	host, err := kernels.Open("cpu")
	require.NoError(t, err)
	defer host.Close()
	require.ErrorContains(t, Accesses(host, small(), "", &out), "emu:sample")
}

// TestThePythonSideOnTheCPU runs its lines without a GPU, on shapes of no size.
func TestThePythonSideOnTheCPU(t *testing.T) {
	python := cmp.Or(os.Getenv("TRUEGRAIN_TORCH"), "python3")
	if exec.Command(python, "-c", "import torch, torchvision").Run() != nil {
		t.Skip("needs PyTorch: TRUEGRAIN_TORCH names an interpreter that has it")
	}
	p, err := startPeer(t.Context(), []string{python, "peers.py", "--device", "cpu"})
	require.NoError(t, err)
	defer p.close()
	require.Contains(t, p.Title, "mean nothing")
	asks := []ask{{Do: "model", Model: "resnet50", Batch: 2, Size: 32, How: "compiled"},
		{Do: "model", Model: "resnet50", Batch: 2, Size: 32, Train: true, How: "eager"},
		{Do: "model", Model: "fcn_resnet50", Batch: 2, Size: 33, Train: true, How: "eager"},
		{Do: "model", Model: "vit_b_16", Batch: 1, Size: 32, Train: true, How: "eager"}}
	for _, shape := range []string{"gemm/forward 6x8x16+tb", "attention/forward 1x2x5x8",
		"attention/backward 1x2x5x8+lse", "conv2d/forward 1x6x6x8-16k3p1", "conv2d/dx 1x6x6x8-16k3p1", "conv2d/dw 1x6x6x8-16k1"} {
		op, rest, _ := strings.Cut(shape, "/")
		pass, size, _ := strings.Cut(rest, " ")
		asks = append(asks, ask{Do: "kernel", Op: op, Pass: pass, Shape: size, How: "eager"})
	}
	for _, a := range asks {
		a.ID = a.How
		_, err := p.ask(a)
		require.NoError(t, err, "%+v", a)
		told, err := p.ask(ask{Do: "time", ID: a.ID, Seconds: 1e-3})
		require.NoError(t, err)
		require.Len(t, told.Times, 5)
		_, err = p.ask(ask{Do: "drop", ID: a.ID})
		require.NoError(t, err)
	}
	_, err = p.ask(ask{Do: "kernel", Op: "softmax", Shape: "3x4", ID: "eager"})
	require.ErrorContains(t, err, "no softmax here")
	_, err = p.ask(ask{Do: "time", ID: "eager"})
	require.Error(t, err, "what was refused is not ready")
}

// steps are tasks that note that they ran.
func steps(ran *[]string, names ...string) (tasks []task) {
	for _, n := range names {
		tasks = append(tasks, task{n, func(context.Context) ([]report.Row, []Ratio, error) {
			*ran = append(*ran, n)
			return []report.Row{{Name: n}}, nil, nil
		}})
	}
	return tasks
}

// TestGoesOnWhereItWasInterrupted: what one program has done it does not do again; another program does.
func TestGoesOnWhereItWasInterrupted(t *testing.T) {
	var ran []string
	tasks := steps(&ran, "a", "b", "c")
	o := options(t, "kernels")
	path := filepath.Join(o.Dir, "it")
	do := func(program string) error {
		r, err := load(path + ".json")
		require.NoError(t, err)
		return (&bench{result: r}).do(t.Context(), o, path, program, tasks)
	}
	o.Limit = -1
	require.ErrorIs(t, do("one"), ErrUnfinished, "one step at least is done, so that it ends some day")
	require.Equal(t, []string{"a"}, ran)
	o.Limit = time.Hour
	require.NoError(t, do("one"))
	require.NoError(t, do("one"))
	require.Equal(t, []string{"a", "b", "c"}, ran)
	o.Only = "b"
	require.NoError(t, do("two"))
	o.Only, o.Again = "c", true
	require.NoError(t, do("one"))
	require.Equal(t, []string{"a", "b", "c", "b", "c"}, ran)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := load(path + ".json")
	require.NoError(t, err)
	require.ErrorIs(t, (&bench{result: r}).do(ctx, o, path, "one", tasks), context.Canceled)
	require.NoError(t, os.WriteFile(path+".json", []byte("{"), 0o644))
	_, err = load(path + ".json")
	require.ErrorContains(t, err, "move it away to begin anew")
}

// TestWhatEndsTheDeviceIsLeftBehind: a step that hangs, or loses the device, ends the run, says so, and is not begun
// again.
func TestWhatEndsTheDeviceIsLeftBehind(t *testing.T) {
	var ran []string
	tasks := steps(&ran, "a", "b", "c", "d")
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	tasks[1].run = func(context.Context) ([]report.Row, []Ratio, error) { <-never; return nil, nil, nil }
	tasks[2].run = func(context.Context) ([]report.Row, []Ratio, error) {
		return []report.Row{{Name: "before"}}, nil, fmt.Errorf("lost: %w", kernels.ErrDeviceLost)
	}
	o := options(t, "kernels")
	o.Most = 50 * time.Millisecond
	path := filepath.Join(o.Dir, "it")
	for _, want := range []error{ErrHangs, kernels.ErrDeviceLost, nil} {
		r, err := load(path + ".json")
		require.NoError(t, err)
		err = (&bench{result: r}).do(t.Context(), o, path, "one", tasks)
		require.ErrorIs(t, err, want)
		require.True(t, err == nil || strings.HasSuffix(err.Error(), "run the same again"))
	}
	require.Equal(t, []string{"a", "d"}, ran)
	text, err := os.ReadFile(path + ".md")
	require.NoError(t, err)
	require.Contains(t, string(text), "| b |  |  | not timed: it did not end within 50ms |")
	require.Contains(t, string(text), "| before |")
	require.Contains(t, string(text), "| c |  |  | not timed: lost: device lost |")
}

func TestRatiosAreOfRounds(t *testing.T) {
	r := ratio("it", "ours", "theirs", []float64{1, 10, 2}, []float64{2, 10, 8}) // a disturbed round disturbs both
	require.Equal(t, Ratio{"it", "ours", "theirs", 0.5, 0.25, 1}, r)
	require.Equal(t, "**0.40 (0.30 to 0.50)**", against([]Ratio{{"it", "ours", "theirs", 0.4, 0.3, 0.5}}, "theirs"))
	require.Equal(t, "1.10 (0.90 to 1.20)", against([]Ratio{{"it", "ours", "theirs", 1.1, 0.9, 1.2}}, "theirs"))
}

func TestPeaksAreThoseOfDataSheets(t *testing.T) {
	for name, c := range map[string]struct {
		h          kernels.Hardware
		bf16, fp32 float64
	}{
		"A100 SXM": {kernels.Hardware{Major: 8, SMs: 108, ClockMHz: 1410}, 312e12, 19.5e12},
		"H100 SXM": {kernels.Hardware{Major: 9, SMs: 132, ClockMHz: 1830}, 989e12, 61.9e12},
	} {
		require.InEpsilon(t, c.bf16, peakOf(c.h, true), 0.01, name)
		require.InEpsilon(t, c.fp32, peakOf(c.h, false), 0.01, name)
	}
	require.Equal(t, "x/nvidia-h200", fileOf("x", kernels.Hardware{Name: "NVIDIA H200"}))
}

func TestOnlyAccelerators(t *testing.T) {
	be, err := kernels.Open("cpu")
	require.NoError(t, err)
	defer be.Close()
	require.ErrorContains(t, Run(t.Context(), be, options(t, "check")), "no GPU")
}

// TestTheWholePlan reads the shapes of large models off a rehearsal; each is one that the benchmarks
// understand.
func TestTheWholePlan(t *testing.T) {
	p, err := Whole("python3", "peers.py")
	require.NoError(t, err)
	require.Greater(t, len(p.Check), 300)
	require.Greater(t, len(p.Kernels), 150)
	require.Len(t, p.Models, 6)
	b := &bench{plan: p}
	tasks, err := b.tasks("kernels")
	require.NoError(t, err)
	require.Equal(t, "gemm/forward", tasks[0].name)
}
