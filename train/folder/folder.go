// Package folder is what a run leaves on disk: its recipe and everything else that it depends on in run.yaml,
// the lock that keeps a second run out, checkpoints, logs, and the detector.
//
//	run.yaml                    what the run is
//	lock                        held while one is at work here
//	checkpoints/N.safetensors   the state behind N batches, to go on from
//	best.safetensors            the weights with the lowest validation loss
//	detector.safetensors        those, calibrated and tested
//	metrics.csv, metrics.jsonl, events.out.tfevents.*
//	unread.txt                  pictures that could not be read
package folder

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"truegrain/nn/state"
	"truegrain/train/recipes"
	"truegrain/train/yamlfile"
)

// Run is what a run depends on.
type Run struct {
	Recipe    recipes.Recipe `yaml:"recipe"`
	Code      string         `yaml:"code"`      // version of the program
	Go        string         `yaml:"go"`        // release that built it
	Decoder   string         `yaml:"decoder"`   // of pictures: they differ in their last bit
	Device    string         `yaml:"device"`    // spec of the backend
	Processor string         `yaml:"processor"` // what that is
	Data      Data           `yaml:"data"`
	Weights   Weights        `yaml:"weights"`
	Overfit   int            `yaml:"overfit"`  // pictures to be learned by heart; 0: no
	Detector  string         `yaml:"detector"` // where the finished detector goes, from the folder on
	Note      string         `yaml:"note"`
}

// Data is which pictures a run has.
type Data struct {
	Dir         string `yaml:"dir"`
	Train       int    `yaml:"train"`
	Validation  int    `yaml:"validation"`
	Fingerprint string `yaml:"fingerprint"` // of their names and labels
}

// Weights is what a run starts from.
type Weights struct {
	File   string `yaml:"file"` // "": random values
	SHA256 string `yaml:"sha256"`
}

// Folder is the folder of one run, locked.
type Folder struct {
	Dir  string
	lock io.Closer
}

// ErrBusy says that another run is at work in a folder.
var ErrBusy = errors.New("another run is at work in this folder")

// Open makes the folder and locks it. The lock ends with the process, however that ends.
func Open(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	l, err := takeLock(filepath.Join(dir, "lock"))
	if errors.Is(err, ErrBusy) {
		return nil, fmt.Errorf("%s: %w: wait for it, or name another folder with -o", dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	return &Folder{dir, l}, nil
}

// Close lets others in.
func (f *Folder) Close() error { return f.lock.Close() }

// Path is a file of the folder.
func (f *Folder) Path(name string) string { return filepath.Join(f.Dir, name) }

// ErrNone says that a folder holds no run.
var ErrNone = errors.New("no run is here")

// Read reads a folder's run.yaml.
func Read(dir string) (*Run, error) {
	path := filepath.Join(dir, "run.yaml")
	src, err := yamlfile.Read(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: want a folder with run.yaml", dir, ErrNone)
	}
	if err != nil {
		return nil, err
	}
	var r Run
	if err := yaml.UnmarshalWithOptions(src, &r, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := r.Recipe.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &r, nil
}

// Write writes run.yaml.
func (f *Folder) Write(r *Run) error {
	src, err := yaml.Marshal(r)
	if err != nil {
		return err
	}
	return state.Atomic(f.Path("run.yaml"), func(w io.Writer) error {
		_, err := w.Write(src)
		return err
	})
}

// Clear removes what an earlier run has left, and nothing else.
func (f *Folder) Clear() error {
	var all []error
	for _, pattern := range []string{"run.yaml", "best.safetensors", "detector.safetensors", "metrics.csv",
		"metrics.jsonl", "events.out.tfevents.*", "unread.txt", "evaluation.csv", "resources.yaml",
		"checkpoints/*.safetensors"} {
		found, err := filepath.Glob(f.Path(pattern))
		all = append(all, err)
		for _, path := range found {
			all = append(all, os.Remove(path))
		}
	}
	return errors.Join(all...)
}

// Settings are what decides the run, by key: two runs with the same settings on the same device come to the
// same bytes.
func (r *Run) Settings() (map[string]string, error) {
	s, err := r.Recipe.Settings()
	if err != nil {
		return nil, err
	}
	for _, k := range []string{"checkpoint.last", "checkpoint.minutes", "checkpoint.batches", "log_every"} {
		delete(s, k) // when states are saved changes nothing in them
	}
	s["pictures"] = fmt.Sprintf("%d and %d (%.12s)", r.Data.Train, r.Data.Validation, r.Data.Fingerprint)
	s["model.weights"] = r.Weights.SHA256
	s["overfit"] = fmt.Sprint(r.Overfit)
	return s, nil
}
