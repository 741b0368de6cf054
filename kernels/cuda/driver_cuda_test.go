//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

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
	"old":       {"old", opens, []string{"driver too old: it is for CUDA 11.4", "driver 525"}},
	"no device": {"no-device", opens, []string{"no such backend|NO_DEVICE"}},
	"small":     {"small", opens, []string{"compute capability 7.6, wanted is 8.0"}},
	"listed":    {"old", listed, []string{"^cuda:0: test device 0, compute capability 8.6, 7 SMs, .*too old"}},
	"refuse": {"refuse", add, []string{"add_fwd_f32: compile add.ptx: ", "compute capability 8.6",
		"line 9; error : Unknown symbol"}},
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

// useDriver makes every call: memory of each type, copies, launches, tensor maps, events, graphs.
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
	if err := g.Close(); err != nil {
		return err
	}
	for _, batch := range []int{0, 2} {
		m := boxes{of: x, rows: 8, cols: 64, ld: 64, boxRows: 8, boxCols: 64, batch: batch}
		if _, err := d.drv.TensorMap(m); err != nil {
			return err
		}
	}
	if _, err := d.drv.PatchMap(patches{of: x, n: 1, h: 4, w: 4, c: 64, step: [2]int{1, 1}, positions: 8}); err != nil {
		return err
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
	return d.Close()
}
