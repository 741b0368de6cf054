package gpu

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"truegrain/bench/report"
	"truegrain/kernels"
)

// Result is what has been measured on one device.
type Result struct {
	Hardware kernels.Hardware `json:"hardware"`
	System   string           `json:"system"`
	Go       string           `json:"go"`
	Commit   string           `json:"commit"`
	Peer     string           `json:"peer,omitempty"` // "PyTorch 2.15.0, CUDA 13.0"
	Steps    []Step           `json:"steps"`
}

// Step is one piece of a part, done by one program.
type Step struct {
	Part    string       `json:"part"`
	Name    string       `json:"name"`
	Program string       `json:"program"` // a fingerprint of what did it
	Date    time.Time    `json:"date"`
	Seconds float64      `json:"seconds"` // that it took
	Rows    []report.Row `json:"rows"`
	Ratios  []Ratio      `json:"ratios,omitempty"` // of peers, by row
}

// find is the step of a part and a name, or nil.
func (r *Result) find(part, name string) *Step {
	for i := range r.Steps {
		if s := &r.Steps[i]; s.Part == part && s.Name == name {
			return s
		}
	}
	return nil
}

// put replaces the step of the same part and name, or adds it.
func (r *Result) put(s Step) {
	if old := r.find(s.Part, s.Name); old != nil {
		*old = s
		return
	}
	r.Steps = append(r.Steps, s)
}

// of lists the steps of a part.
func (r *Result) of(part string) (steps []Step) {
	for _, s := range r.Steps {
		if s.Part == part {
			steps = append(steps, s)
		}
	}
	return steps
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// fileOf is where a device's results lie in a folder, without the extension: "nvidia-h200".
func fileOf(dir string, h kernels.Hardware) string {
	return filepath.Join(dir, strings.Trim(notInNames.ReplaceAllString(strings.ToLower(h.Name), "-"), "-"))
}

// load reads what there is of a device; an empty Result if there is nothing.
func load(path string) (*Result, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Result{}, nil
	}
	if err != nil {
		return nil, err
	}
	r := new(Result)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s is no result of these benchmarks: %w; move it away to begin anew", path, err)
	}
	return r, nil
}

// write replaces a file as a whole.
func write(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone by then, unless something failed
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

// save writes the result and its report.
func (r *Result) save(path string) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return errors.Join(write(path+".json", append(data, '\n')), write(path+".md", []byte(r.Markdown())))
}
