//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/barnex/cuda5/cu"
	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/tensor"
)

// TestMain is, in a child with a driver of testdata, one of the cases that TestDriver tells apart.
func TestMain(m *testing.M) {
	name, child := os.LookupEnv("TRUEGRAIN_DRIVER_CASE")
	if !child {
		os.Exit(m.Run())
	}
	if err := driverCases[name].run(); err != nil {
		fmt.Println(err)
	}
}

// driverCases are what the driver does wrong, what is done with it, and what is said of it then.
var driverCases = map[string]struct {
	wrong string
	run   func() error
	want  []string
}{
	"works":     {"", useDriver, []string{"^$"}},
	"launches":  {"", launches("0", "_sm90"), []string{"^$"}},
	"portable":  {"", launches("0,portable", "mma"), []string{"^$"}},
	"535":       {"535", launches("0", "mma"), []string{"^$"}},
	"old":       {"old", opens, []string{"driver too old: it is for CUDA 11.4", "driver 525"}},
	"no device": {"no-device", opens, []string{"no such backend|NO_DEVICE"}},
	"small":     {"small", opens, []string{"compute capability 7.5, wanted is 8.0"}},
	"listed":    {"old", listed, []string{"^cuda:0: test device 0, compute capability 9.0, 7 SMs, .*too old"}},
	"refuse": {"refuse", add, []string{"add_fwd_f32: compile add.ptx: ", "compute capability 9.0",
		"line 9; error : Unknown symbol\n$"}},
	"compiler": {"compiler", add, []string{`JIT_COMPILER_NOT_FOUND \(221\): libnvidia-ptxjitcompiler.so.1 not found`,
		"\ne+i+\n$"}},
	"spec": {"", misspelt, []string{"no such backend; cuda is cuda:0"}},
	"lost": {"lost", lost, []string{`CUDA_ERROR_ILLEGAL_ADDRESS \(700\)`, "is device lost: true"}},
	"full": {"full", full, []string{"8388608 bytes asked for, 123456 of 1073741824 free", "usable after it: true"}},
}

// TestDriver runs the real calls of the driver against one that the test has compiled.
func TestDriver(t *testing.T) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("needs a C compiler")
	}
	dir := t.TempDir()
	out, err := exec.Command(cc, "-O1", "-w", "-shared", "-fPIC", filepath.Join("testdata", "driver.c"), "-o",
		filepath.Join(dir, "libcuda.so.1")).CombinedOutput()
	require.NoError(t, err, string(out))
	for name, c := range driverCases {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "TRUEGRAIN_DRIVER_CASE="+name, "TRUEGRAIN_DRIVER="+c.wrong,
				"LD_LIBRARY_PATH="+dir)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
			for _, w := range c.want {
				require.Regexp(t, w, string(out))
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		if _, err := os.Stat("/usr/local/nvidia/lib64/libcuda.so.1"); err == nil {
			t.Skip("needs a machine without NVIDIA's driver")
		}
		if be, err := openCUDA("0"); err == nil {
			require.NoError(t, be.Close())
			t.Skip("needs a machine without NVIDIA's driver")
		} else {
			require.ErrorContains(t, err, "install NVIDIA's driver, or compute on cpu")
		}
	})
}

func opens() error {
	_, err := openCUDA("0")
	return err
}

func misspelt() error {
	for _, spec := range []string{"-1", "one", "0,", "0,portabel", "1"} {
		if _, err := openCUDA(spec); !errors.Is(err, kernels.ErrNoBackend) {
			return fmt.Errorf("%q opens: %w", spec, err)
		}
	}
	_, err := openCUDA("0,wide")
	return err
}

func listed() error {
	d := cudaDevices()[0]
	return fmt.Errorf("%s: %s: %w", d.Spec, d.Description, d.Err)
}

// withNumbers is the device with two numbers on it.
func withNumbers() (*Device, kernels.Buf, error) {
	be, err := openCUDA("0")
	if err != nil {
		return nil, kernels.Buf{}, err
	}
	x, err := be.Alloc(kernels.F32, 2)
	if err == nil {
		be.Upload(x, kernels.Of([]float64{1, 2}))
	}
	return be.(*Device), x, err
}

func add() error {
	d, x, err := withNumbers()
	if err != nil {
		return err
	}
	return tensor.Catch(func() { d.Add(kernels.Add{N: 2, A: x, B: x, Y: x}) })
}

func lost() error {
	d, x, err := withNumbers()
	if err != nil {
		return err
	}
	err = tensor.Catch(func() {
		d.Add(kernels.Add{N: 2, A: x, B: x, Y: x})
		d.Download(kernels.Of(make([]float32, 2)), x)
	})
	return fmt.Errorf("%w; is device lost: %v", err, errors.Is(err, kernels.ErrDeviceLost))
}

func full() error {
	d, x, err := withNumbers()
	if err != nil {
		return err
	}
	_, err = d.Alloc(kernels.F32, 2<<20)
	y := make([]float32, 2)
	d.Download(kernels.Of(y), x)
	return fmt.Errorf("%w; usable after it: %v", err, y[1] == 2)
}

// launches is a case in which products, convolutions and attention run on kernels of modules with this end, called
// from threads that have never seen the driver.
func launches(spec, end string) func() error {
	return func() error {
		be, err := openCUDA(spec)
		if err != nil {
			return err
		}
		d := be.(*Device)
		if err := onThreads(3, func() error { return tensor.Catch(func() { everyProduct(d) }) }); err != nil {
			return err
		}
		for _, stem := range []string{"gemm", "conv2d", "attention", "attentionbackward"} {
			if d.modules[stem+end] == 0 {
				return fmt.Errorf("no kernel of %s was used", stem+end)
			}
		}
		return errors.Join(d.Wait(), d.Close())
	}
}

// onThreads runs f at the same time on as many threads of their own.
func onThreads(n int, f func() error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			runtime.LockOSThread() // and the thread ends with the goroutine
			errs[i] = f()
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// everyProduct makes launches of every kind of argument: pointers, tensor maps of matrices, of batches and of patches,
// numbers, structs.
func everyProduct(d *Device) {
	get := func(n int) kernels.Buf {
		b, err := d.Alloc(kernels.BF16, n)
		d.must("alloc", err)
		return b
	}
	want := func(n int) kernels.Grad { return kernels.Grad{Buf: get(n)} }
	linear := kernels.Linear{R: 1100, D: 64, OD: 264, X: get(1100 * 64), Weight: get(64 * 264), Y: get(1100 * 264)}
	d.Linear(linear)
	d.LinearBackward(kernels.LinearGrad{Linear: linear, DY: get(1100 * 264), DX: want(1100 * 64), DWeight: want(64 * 264)})
	for _, w := range []kernels.Window{square(3, 1, 1, 1), square(3, 2, 1, 1), square(1, 2, 0, 1), square(3, 1, 2, 2)} {
		c := kernels.Conv2D{Window: w, B: 2, H: 9, W: 7, C: 64, OC: 72, Groups: 1}
		oh, ow := c.Out(c.H, c.W)
		c.X, c.Weight, c.Y = get(2*9*7*64), get(w.KH*w.KW*64*72), get(2*oh*ow*72)
		d.Conv2D(c)
		d.Conv2DBackward(kernels.Conv2DGrad{Conv2D: c, DY: get(c.Y.Len()), DX: want(c.X.Len()),
			DWeight: want(c.Weight.Len())})
	}
	qkv, dqkv := get(2*70*3*128), get(2*70*3*128)
	part := func(b kernels.Buf, i int) kernels.Buf { return b.Slice(i*128, b.Len()-(2-i)*128) }
	a := kernels.Attention{B: 2, TQ: 70, TK: 70, NH: 2, HD: 64, LDQ: 384, LDK: 384, LDV: 384, Q: part(qkv, 0),
		K: part(qkv, 1), V: part(qkv, 2), Y: get(2 * 70 * 128)}
	var err error
	a.LSE, err = d.Alloc(kernels.F32, 2*2*70)
	d.must("alloc", err)
	d.Attention(a)
	d.AttentionBackward(kernels.AttentionGrad{Attention: a, DY: get(2 * 70 * 128), DQ: kernels.Grad{Buf: part(dqkv, 0)},
		DK: kernels.Grad{Buf: part(dqkv, 1)}, DV: kernels.Grad{Buf: part(dqkv, 2)}})
}

// useDriver makes every call: memory of each type, copies, launches, events, graphs.
func useDriver() error {
	d, x, err := withNumbers()
	if err != nil {
		return err
	}
	run := func(be kernels.Backend) { be.Add(kernels.Add{N: 2, A: x, B: x, Y: x}) }
	run(d)
	took, err := d.Time(func() { run(d) })
	if err != nil || took != 2500*time.Microsecond {
		return fmt.Errorf("took %v: %w", took, err)
	}
	g, err := d.Record(func(be kernels.Backend) {
		run(be)
		be.Upload(x, kernels.Of([]float32{0, 0}))
	})
	if err != nil {
		return err
	}
	for range 2 {
		if err := g.Replay(kernels.Of([]float32{3, 4})); err != nil {
			return err
		}
	}
	got := make([]float32, 2)
	if d.Download(kernels.Of(got), x); got[0] != 3 || got[1] != 4 {
		return fmt.Errorf("the graph's upload left %v", got)
	}
	if err := g.Close(); err != nil {
		return err
	}
	if err := tensor.Catch(func() { _, _ = d.Record(func(be kernels.Backend) { run(be); be.Download(x, x) }) }); err == nil {
		return errors.New("a download was recorded")
	}
	for _, t := range []kernels.DType{kernels.F32, kernels.F64, kernels.BF16, kernels.I32} {
		a, err := d.Alloc(t, 3)
		if err != nil {
			return err
		}
		b, err := d.Alloc(t, 3)
		if err != nil {
			return err
		}
		d.Fill(a, 5)
		d.Copy(b, a)
		got := make([]float64, 3)
		d.Download(kernels.Of(got), b)
		if got[2] != 5 || math.IsNaN(got[0]) {
			return fmt.Errorf("%v: %v", t, got)
		}
		d.Free(a)
		d.Free(b)
	}
	d.Free(x)
	if err := d.Close(); err != nil {
		return err
	}
	return caught("close", cu.CtxSynchronize) // the stand-in says what was not given back
}
