//go:build cuda

package cuda

import (
	"fmt"
	"strconv"

	"github.com/barnex/cuda5/cu"

	"truegrain/kernels"
)

// What this package needs: PTX 8.0 and asynchronous copies (sm_80).
const (
	minDriver  = 12000
	minCapable = 8
)

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
	case 35, 36, 222, 223: // a newer driver is wanted, a PTX version or its compiler is not supported
		e.Err = kernels.ErrDriverTooOld
	case 100, 101:
		e.Err = kernels.ErrNoBackend
	case 46, 214, 700, 702, 710, 713, 714, 715, 716, 717, 718, 719, 999: // the context can't go on
		e.Err = kernels.ErrDeviceLost
	}
	return e
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
	if i.Driver < minDriver {
		return fmt.Errorf("%w: it is for CUDA %d.%d, wanted is 12.0 (driver 525) or later", kernels.ErrDriverTooOld,
			i.Driver/1000, i.Driver%1000/10)
	}
	if i.Major < minCapable {
		return fmt.Errorf("%w: compute capability %d.%d, wanted is 8.0 (A100) or later", kernels.ErrNoBackend,
			i.Major, i.Minor)
	}
	return nil
}

// openCUDA opens the device with a number; none is 0.
func openCUDA(arg string) (kernels.Backend, error) {
	number := 0
	if arg != "" {
		var err error
		if number, err = strconv.Atoi(arg); err != nil || number < 0 {
			return nil, fmt.Errorf("%w; cuda is cuda:0, cuda:1, ...", kernels.ErrNoBackend)
		}
	}
	d := new(cudaDriver)
	count := 0
	if err := caught("open", func() { cu.Init(0); count = cu.DeviceGetCount() }); err != nil {
		return nil, err
	}
	if number >= count {
		return nil, fmt.Errorf("%w: the driver lists %d devices", kernels.ErrNoBackend, count)
	}
	var err error
	if d.info, err = describe(number); err != nil {
		return nil, err
	}
	if err := usable(d.info); err != nil {
		return nil, err
	}
	if err := d.retain(number); err != nil {
		return nil, err
	}
	return open(fmt.Sprintf("cuda:%d", number), d)
}
