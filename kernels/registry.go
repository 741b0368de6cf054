package kernels

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Driver is how a kind of backend enters the registry.
type Driver struct {
	Kind string // the part of a spec before the colon: "cpu"
	// Open opens the device named by the part of the spec behind the colon ("" means the best there is).
	Open func(arg string) (Backend, error)
	// Devices describes what this build and machine can open, best first.
	Devices func() []DeviceInfo
}

// DeviceInfo is one line of 'truegrain devices'.
type DeviceInfo struct {
	Spec, Description string
	Err               error // why it can't be opened here
}

var registry struct {
	sync.Mutex
	drivers []Driver
}

// Register adds a kind of backend. Packages call it from init; kernels/all imports those of this build.
func Register(d Driver) {
	registry.Lock()
	defer registry.Unlock()
	registry.drivers = append(registry.drivers, d)
	slices.SortFunc(registry.drivers, func(a, b Driver) int { return strings.Compare(a.Kind, b.Kind) })
}

// Open opens a backend by spec: "ref", "cpu", "cpu:avx2", "cuda:0". The error wraps ErrNoBackend and says
// what there is to choose from.
func Open(spec string) (Backend, error) {
	kind, arg, _ := strings.Cut(spec, ":")
	registry.Lock()
	drivers := slices.Clone(registry.drivers)
	registry.Unlock()
	for _, d := range drivers {
		if d.Kind == kind {
			be, err := d.Open(arg)
			if err != nil {
				return nil, fmt.Errorf("open backend %q: %w", spec, err)
			}
			return be, nil
		}
	}
	var have []string
	for _, d := range Devices() {
		if d.Err == nil {
			have = append(have, d.Spec)
		}
	}
	hint := ""
	if kind == "cuda" {
		hint = "; 'make cuda' builds one that has it"
	}
	return nil, fmt.Errorf("open backend %q: %w; this build has %s%s",
		spec, ErrNoBackend, strings.Join(have, ", "), hint)
}

// Devices lists what this build and machine offer.
func Devices() []DeviceInfo {
	registry.Lock()
	drivers := slices.Clone(registry.drivers)
	registry.Unlock()
	var out []DeviceInfo
	for _, d := range drivers {
		out = append(out, d.Devices()...)
	}
	return out
}
