package energy

import (
	"errors"
	"fmt"
	"strings"
)

// deviceCounter is a device's own energy counter.
type deviceCounter struct {
	name        string
	millijoules func() (uint64, error) // since the driver was loaded
}

// openCounter opens the counter of a device; builds that can reach one set it. The device's description
// begins with the name that its counter must have.
var openCounter = func(device, description string) (*deviceCounter, error) {
	return nil, errors.New("this build has no access to NVML")
}

// accelerated is what the processors and a device take together.
type accelerated struct {
	Meter
	device      string
	counter     *deviceCounter
	first, last uint64
	err         error // why the device can't be read, or not any more
}

func withDevice(host Meter, device, description string) Meter {
	a := &accelerated{Meter: host, device: device}
	if a.counter, a.err = openCounter(device, description); a.err != nil {
		return a
	}
	a.first, a.err = a.counter.millijoules()
	a.last = a.first
	return a
}

func (a *accelerated) Joules() float64 {
	if a.err == nil {
		now, err := a.counter.millijoules()
		if err == nil && now < a.last {
			err = errors.New("its counter began anew")
		}
		if a.err = err; err == nil {
			a.last = now
		}
	}
	return a.Meter.Joules() + float64(a.last-a.first)/1e3
}

func (a *accelerated) Method() string {
	if a.counter == nil {
		return fmt.Sprintf("%s; %s is not counted: %v", a.Meter.Method(), a.device, a.err)
	}
	m := fmt.Sprintf("the NVML counter of %s (%s), and for the rest %s",
		a.device, a.counter.name, a.Meter.Method())
	if a.err != nil {
		m += fmt.Sprintf("; %s could not be read to the end: %v", a.device, a.err)
	}
	return m
}

// visible is which of the machine's devices "cuda:1", or "cuda:1,portable", is: a number, or the beginning of
// a UUID, by CUDA_VISIBLE_DEVICES.
func visible(device, list string) (string, error) {
	at, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(device, "cuda"), ":"), ",")
	if at == "" {
		at = "0"
	}
	if list == "" {
		return at, nil
	}
	for i, id := range strings.Split(list, ",") {
		if fmt.Sprint(i) == at {
			return strings.TrimSpace(id), nil
		}
	}
	return "", fmt.Errorf("CUDA_VISIBLE_DEVICES=%s has no device %s", list, at)
}
