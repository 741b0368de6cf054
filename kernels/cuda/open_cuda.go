//go:build cuda

package cuda

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/barnex/cuda5/cu"

	"truegrain/kernels"
)

// minCapable is what asynchronous copies need (sm_80).
const minCapable = 8

func init() {
	kernels.Register(kernels.Driver{Kind: "cuda", Open: openCUDA, Devices: cudaDevices})
}

// caught runs calls of the package cu, which panics with the driver's code, and turns that into an error.
func caught(op string, f func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case cu.Result:
			err = cudaError(op, p, "")
		default:
			panic(p)
		}
	}()
	f()
	return nil
}

// cudaError names a driver's code and its kind; nil for success.
func cudaError(op string, r cu.Result, log string) error {
	if r == 0 {
		return nil
	}
	e := &kernels.DeviceError{Op: op, Code: codeName(r), Log: log}
	switch r {
	case 2:
		e.Err = kernels.ErrOutOfMemory
	case 34: // the stub's: libcuda.so.1 was not found
		e.Code, e.Err = "libcuda.so.1 not found: install NVIDIA's driver, or compute on cpu", kernels.ErrNoDriver
	case 35, 36, 222: // a newer driver is wanted, or a PTX version is not supported
		e.Err = kernels.ErrDriverTooOld
	case 46, 100, 101:
		e.Err = kernels.ErrNoBackend
	case 214, 220, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 721, 999: // the context can't go on
		e.Err = kernels.ErrDeviceLost
	}
	if do := remedies[r]; do != "" {
		e.Code += ": " + do
	}
	return e
}

// remedies are what to do about codes that a machine's setup brings, not its programs.
var remedies = map[cu.Result]string{
	46:  "another process has the device for itself: wait for it, or 'nvidia-smi --compute-mode=DEFAULT'",
	221: "libnvidia-ptxjitcompiler.so.1 not found: it is a part of NVIDIA's driver and lies beside libcuda.so.1",
	223: "the driver must not compile here: unset CUDA_DISABLE_PTX_JIT",
	304: "the system refused a call of the driver: a sandbox must support this driver, and /dev/nvidia* be there",
	802: "start NVIDIA's fabric manager",
	803: "libcuda.so.1 is of another driver than the kernel's module: take the one of that driver, or load it anew",
	804: "a libcuda.so.1 for compatibility does not serve this device: take the driver's own (LD_LIBRARY_PATH)",
}

func cudaDevices() []kernels.DeviceInfo {
	n := 0
	err := caught("list devices", func() {
		cu.Init(0)
		n = cu.DeviceGetCount()
	})
	if err == nil && n == 0 {
		err = fmt.Errorf("the driver lists no device: %w", kernels.ErrNoBackend)
	}
	if err != nil {
		return []kernels.DeviceInfo{{Spec: "cuda:0", Description: "NVIDIA GPU", Err: err}}
	}
	var out []kernels.DeviceInfo
	for i := range n {
		info, err := describe(i)
		if err == nil {
			err = usable(info)
		}
		out = append(out, kernels.DeviceInfo{Spec: fmt.Sprintf("cuda:%d", i), Description: info.String(), Err: err})
	}
	return out
}

func describe(i int) (info kernels.Hardware, err error) {
	err = caught("describe device", func() {
		dev := cu.DeviceGet(i)
		info = kernels.Hardware{Name: dev.Name(), Memory: int(dev.TotalMem()), Driver: cu.Version(),
			SMs: dev.Attribute(cu.MULTIPROCESSOR_COUNT), ClockMHz: dev.Attribute(cu.CLOCK_RATE) / 1000}
		info.Major, info.Minor = dev.ComputeCapability()
	})
	return info, err
}

func usable(i kernels.Hardware) error {
	if i.Driver < portableDriver {
		return fmt.Errorf("%w: it is for CUDA %d.%d, wanted is 12.0 (driver 525) or later", kernels.ErrDriverTooOld,
			i.Driver/1000, i.Driver%1000/10)
	}
	if i.Major < minCapable {
		return fmt.Errorf("%w: compute capability %d.%d, wanted is 8.0 (A100) or later", kernels.ErrNoBackend,
			i.Major, i.Minor)
	}
	return nil
}

// deviceOf reads what stands behind "cuda:": a number, none is 0, and "portable" for a device without the kernels for
// sm_90a.
func deviceOf(arg string) (number int, portable bool, err error) {
	digits, way, more := strings.Cut(arg, ",")
	if digits != "" {
		number, err = strconv.Atoi(digits)
	}
	if err != nil || number < 0 || more && way != "portable" {
		return 0, false, fmt.Errorf("%w; cuda is cuda:0, cuda:1, ..., or cuda:0,portable without the kernels for sm_90a",
			kernels.ErrNoBackend)
	}
	return number, more, nil
}

// openCUDA opens the device that deviceOf reads.
func openCUDA(arg string) (kernels.Backend, error) {
	number, portable, err := deviceOf(arg)
	if err != nil {
		return nil, err
	}
	d := new(cudaDriver)
	count := 0
	if err := caught("open", func() { cu.Init(0); count = cu.DeviceGetCount() }); err != nil {
		return nil, err
	}
	if number >= count {
		return nil, fmt.Errorf("%w: the driver lists %d devices", kernels.ErrNoBackend, count)
	}
	if d.info, err = describe(number); err != nil {
		return nil, err
	}
	if err := usable(d.info); err != nil {
		return nil, err
	}
	if err := caught("open", func() { err = d.retain(cu.DeviceGet(number)) }); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("cuda:%d", number)
	if portable {
		name += ",portable"
	}
	be, err := open(name, d)
	if err != nil {
		return nil, err
	}
	be.portable = portable
	return be, nil
}
