package kernels

import (
	"fmt"
	"time"
)

// Accelerator is a backend whose ops are queued, and run behind the caller's back.
type Accelerator interface {
	Backend
	Recorder
	// Wait returns when all that was queued has run. The error is a *DeviceError.
	Wait() error
	// Time is how long the device takes for what f queues, by its own clock. It waits for that.
	Time(f func()) (time.Duration, error)
	// Hardware describes the device.
	Hardware() Hardware
}

// Counter is an accelerator that runs nothing: it counts what it is asked for.
type Counter interface {
	Accelerator
	// Launches are the kernels and copies since the last call.
	Launches() []Launch
	// HighWater is the most memory that was in use since the last call, in bytes.
	HighWater() int
}

// Launch is one kernel, copy or fill on a device. Bytes counts each operand once, in whole; FLOPs are those
// of products, and 0 elsewhere.
type Launch struct {
	Kernel       string
	Bytes, FLOPs int64
	Tensor       bool // its products run on tensor cores
}

// Sampler is an accelerator that runs a few blocks of each launch, so that what these ask of its memory can
// be counted. Its results are not those of the ops.
type Sampler interface {
	Accelerator
	// Asked is what kernels have asked for since the last call, by their names.
	Asked() map[string]Asked
}

// Asked is what some blocks of a kernel have asked of the memory. A warp's access takes as many sectors of 32
// bytes of global memory as it touches, and as many passes of shared memory as the bank that it asks most of
// has words to give. Least is how many the bytes would fill at best.
type Asked struct {
	Launches, Blocks, Sampled int // blocks of all launches, and those that ran
	Instructions              int // of warps, all of them
	Sectors, LeastSectors     int
	Passes, LeastPasses       int
	Local                     int // accesses to a thread's own memory, beyond its registers
}

// Hardware is what an accelerator's driver says of it.
type Hardware struct {
	Name     string `json:"name"`
	Major    int    `json:"major"` // of the compute capability
	Minor    int    `json:"minor"`
	SMs      int    `json:"sms"`
	ClockMHz int    `json:"clock_mhz"` // at most
	Memory   int    `json:"memory"`    // bytes
	Driver   int    `json:"driver"`    // 12040 is CUDA 12.4
}

func (h Hardware) String() string {
	return fmt.Sprintf("%s, compute capability %d.%d, %d SMs, %.1f GiB, driver for CUDA %d.%d",
		h.Name, h.Major, h.Minor, h.SMs, float64(h.Memory)/(1<<30), h.Driver/1000, h.Driver%1000/10)
}
