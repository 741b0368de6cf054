// Package energy counts what a run takes: joules, with the method they were found by, and memory.
package energy

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Meter counts energy. Joules are those since it was opened; it must be asked every few minutes, for hardware
// counters wrap around.
type Meter interface {
	Joules() float64
	// Method says where the numbers come from, in words fit to stand beside them.
	Method() string
}

// WattsPerCore is what a busy core is taken for where nothing can be measured.
const WattsPerCore = 10

// Open takes the processor's own counter (RAPL) if the system lets us read it, and otherwise estimates from
// the processor time of this process. On a device with a counter of its own (NVML for "cuda:0"), that is
// added; where it can't be read, Method says so. description is what the device is called.
func Open(device, description string) Meter {
	host := open("/sys/class/powercap")
	if strings.HasPrefix(device, "cuda") {
		return withDevice(host, device, description)
	}
	return host
}

func open(dir string) Meter {
	if r := openRAPL(dir); r != nil {
		return r
	}
	return &estimate{before: processorTime()}
}

// estimate counts a fixed power for every second of a core.
type estimate struct{ before time.Duration }

func (e *estimate) Joules() float64 { return WattsPerCore * (processorTime() - e.before).Seconds() }

func (e *estimate) Method() string {
	return fmt.Sprintf("an estimate: %d W for every second that a core was busy; this system gives no counter",
		WattsPerCore)
}

// rapl reads the energy counters of all processor packages.
type rapl struct{ zones []*zone }

// zone is one package: a counter of microjoules that begins again at a limit.
type zone struct {
	file         string
	limit, last  uint64
	microjoules  uint64 // so far
	disappointed bool   // it can't be read any more
}

func openRAPL(dir string) *rapl {
	found, err := filepath.Glob(filepath.Join(dir, "intel-rapl:*"))
	if err != nil {
		return nil
	}
	r := &rapl{}
	for _, d := range found {
		name, err := os.ReadFile(filepath.Join(d, "name"))
		if err != nil || !strings.HasPrefix(string(name), "package-") {
			continue // cores and memory are parts of a package
		}
		z := &zone{file: filepath.Join(d, "energy_uj")}
		limit, err1 := readUint(filepath.Join(d, "max_energy_range_uj"))
		last, err2 := readUint(z.file)
		if err1 != nil || err2 != nil {
			return nil // a part of the machine would be missing
		}
		z.limit, z.last = limit, last
		r.zones = append(r.zones, z)
	}
	if len(r.zones) == 0 {
		return nil
	}
	return r
}

func readUint(path string) (uint64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
}

func (r *rapl) Joules() float64 {
	var total uint64
	for _, z := range r.zones {
		now, err := readUint(z.file)
		switch {
		case err != nil:
			z.disappointed = true
			now = z.last
		case now < z.last:
			z.microjoules += z.limit - z.last + now
		default:
			z.microjoules += now - z.last
		}
		z.last = now
		total += z.microjoules
	}
	return float64(total) / 1e6
}

func (r *rapl) Method() string {
	m := fmt.Sprintf("RAPL counters of %d processor packages: "+
		"all that the machine's processors did, without the rest of it", len(r.zones))
	for _, z := range r.zones {
		if z.disappointed {
			m += "; some could not be read to the end"
		}
	}
	return m
}
