// Package report is what a benchmark found: as JSON, as a table, beside an older one, and drawn under its
// roof.
package report

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/klauspost/cpuid/v2"

	"truegrain/bench/measure"
)

// Report is one run of the benchmarks.
type Report struct {
	Kind    string    `json:"kind"` // "kernels" or "models"
	Machine Machine   `json:"machine"`
	Date    time.Time `json:"date"`
	// Before and After are the ceilings, measured at the beginning and at the end: if they differ much,
	// something else used the machine.
	Before []measure.Ceiling `json:"before"`
	After  []measure.Ceiling `json:"after"`
	Rows   []Row             `json:"rows"`
}

// Machine is what a result holds for.
type Machine struct {
	CPU     string `json:"cpu"`
	Cores   int    `json:"cores"` // that were used
	System  string `json:"system"`
	Go      string `json:"go"`
	Commit  string `json:"commit"`
	Backend string `json:"backend"`
}

// Row is one thing that was timed.
type Row struct {
	Name   string `json:"name"` // "conv2d/dx 8x56x56x64-64k3p1", "resnet50 b8 train"
	Impl   string `json:"impl"`
	Uses   string `json:"uses,omitempty"`   // the models that have it
	Method string `json:"method,omitempty"` // how it computes, if there is a choice

	Skipped string       `json:"skipped,omitempty"` // why it was not timed
	Time    measure.Stat `json:"time"`              // seconds of one call
	FLOPs   int64        `json:"flops"`             // of one call
	Bytes   int64        `json:"bytes"`
	OfPeak  float64      `json:"of_peak"` // share of the multiply-add peak, measured in turn with it
	OfCopy  float64      `json:"of_copy"` // share of the bandwidth of a copy of as many bytes
	// Cycles are those that the kernel's instructions take at least, in AVX-512; OfBound is the share of what
	// the slower of two things allows, they or a copy of as many bytes. Both are 0 where nobody counted.
	Cycles  float64 `json:"cycles,omitempty"`
	OfBound float64 `json:"of_bound,omitempty"`
	Error   float64 `json:"error"` // relative L2, against ref (kernels) or the model on a tape (models)

	Images     int     `json:"images,omitempty"` // of one run of a model
	PeakRSS    int64   `json:"peak_rss,omitempty"`
	Allocs     float64 `json:"allocs"` // of one run
	AllocBytes float64 `json:"alloc_bytes"`
}

// GFLOPs is the rate of operations, GBs that of bytes, each in 10^9 a second.
func (r Row) GFLOPs() float64 { return rate(float64(r.FLOPs), r.Time.Median) }

// GBs is the rate of bytes.
func (r Row) GBs() float64 { return rate(float64(r.Bytes), r.Time.Median) }

// ImagesPerSecond is a model's throughput.
func (r Row) ImagesPerSecond() float64 { return 1e9 * rate(float64(r.Images), r.Time.Median) }

func rate(n, seconds float64) float64 {
	if seconds == 0 {
		return 0
	}
	return n / seconds / 1e9
}

// Here describes this machine and this program.
func Here(backend string) Machine {
	return Machine{CPU: cpu(), Cores: runtime.GOMAXPROCS(0), System: runtime.GOOS + "/" + runtime.GOARCH,
		Go: runtime.Version(), Commit: commit(), Backend: backend}
}

func cpu() string {
	c := cpuid.CPU
	if c.BrandName == "" {
		return c.VendorString
	}
	return fmt.Sprintf("%s (family %d, model %d)", strings.TrimSpace(c.BrandName), c.Family, c.Model)
}

// commit is what the program was built from: stamped into it, or asked of git, since go run does not stamp.
func commit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		rev, dirty := "", ""
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && len(s.Value) >= 12:
				rev = s.Value[:12]
			case s.Key == "vcs.modified" && s.Value == "true":
				dirty = "+"
			}
		}
		if rev != "" {
			return rev + dirty
		}
	}
	out, err := exec.Command("git", "describe", "--always", "--dirty=+", "--abbrev=12",
		"--exclude=*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// Read reads a report from a file.
func Read(path string) (*Report, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%s is no report of these benchmarks: %w", path, err)
	}
	if r.Kind == "" {
		return nil, fmt.Errorf("%s is no report of these benchmarks: it has no kind", path)
	}
	return &r, nil
}

// Ceiling is the one with the most cores; zero if none was measured.
func (r *Report) Ceiling() measure.Ceiling {
	if len(r.Before) == 0 {
		return measure.Ceiling{}
	}
	return r.Before[len(r.Before)-1]
}
