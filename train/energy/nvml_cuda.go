//go:build cuda

package energy

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

func init() { openCounter = openNVML }

// openNVML finds the counter of a device (nvmlDeviceGetTotalEnergyConsumption, Volta and later). The library
// is looked for when it is asked for: without a driver there is an error.
func openNVML(device, description string) (*deviceCounter, error) {
	if r := nvml.Init(); r != nvml.SUCCESS {
		return nil, fmt.Errorf("NVML: %s", nvmlReason(r))
	}
	id, err := visible(device, os.Getenv("CUDA_VISIBLE_DEVICES"))
	if err != nil {
		return nil, err
	}
	var handle nvml.Device
	var r nvml.Return
	if i, err := strconv.Atoi(id); err == nil {
		handle, r = nvml.DeviceGetHandleByIndex(i)
	} else {
		handle, r = nvml.DeviceGetHandleByUUID(id)
	}
	if r != nvml.SUCCESS {
		return nil, fmt.Errorf("NVML: device %s: %s", id, nvmlReason(r))
	}
	name, r := handle.GetName()
	if r != nvml.SUCCESS || !strings.HasPrefix(description, name) {
		return nil, fmt.Errorf("NVML calls device %s %q, CUDA %q: set CUDA_DEVICE_ORDER=PCI_BUS_ID", id, name,
			description)
	}
	return &deviceCounter{name, func() (uint64, error) {
		mj, r := handle.GetTotalEnergyConsumption()
		if r != nvml.SUCCESS {
			return 0, fmt.Errorf("NVML: %s", nvmlReason(r))
		}
		return mj, nil
	}}, nil
}

// nvmlReason is what a return value means, without asking the library, which may not be there.
func nvmlReason(r nvml.Return) string {
	switch r {
	case nvml.ERROR_LIBRARY_NOT_FOUND:
		return "no libnvidia-ml.so.1 is installed"
	case nvml.ERROR_DRIVER_NOT_LOADED:
		return "no driver is loaded"
	case nvml.ERROR_NOT_SUPPORTED:
		return "the device has no energy counter"
	case nvml.ERROR_NO_PERMISSION:
		return "no permission to read it"
	}
	return nvml.ErrorString(r)
}
