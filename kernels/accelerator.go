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
	return fmt.Sprintf("%s, compute capability %d.%d, %d SMs, %.1f GiB, driver for CUDA %d.%d", h.Name, h.Major,
		h.Minor, h.SMs, float64(h.Memory)/(1<<30), h.Driver/1000, h.Driver%1000/10)
}
