package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"truegrain/kernels"
	"truegrain/train"
	"truegrain/train/folder"
)

// claim makes a folder that of this run: it writes run.yaml, or on a resume checks that the folder's is of
// the same run.
func (l *learning) claim(t *terminal, f *folder.Folder, p *plan, be kernels.Backend) (*folder.Run, error) {
	now, err := l.describe(p, be)
	if err != nil {
		return nil, err
	}
	was, err := folder.Read(f.Dir)
	switch {
	case l.resume && err != nil:
		return nil, err
	case l.resume:
		now.Weights = was.Weights
		return was, sameRun(t, was, now)
	case errors.Is(err, folder.ErrNone) || l.restart:
		if err := f.Clear(); err != nil {
			return nil, fmt.Errorf("run folder: %w", err)
		}
		return now, f.Write(now)
	case err != nil:
		return nil, err
	}
	return nil, usagef("%s holds a run of recipe %s already: --resume %s goes on with it, "+
		"--restart does it anew, -o names another folder",
		f.Dir, was.Recipe.Name, f.Dir)
}

// describe is all that the run depends on.
func (l *learning) describe(p *plan, be kernels.Backend) (*folder.Run, error) {
	dir, err := filepath.Abs(l.dir)
	if err != nil {
		return nil, err
	}
	detector, err := fromFolder(l.folder, l.detector)
	if err != nil {
		return nil, err
	}
	weights := p.weights.path
	if weights != "" { // a resume may be called from elsewhere
		if weights, err = filepath.Abs(weights); err != nil {
			return nil, err
		}
	}
	run := &folder.Run{Recipe: *l.recipe, Code: version(), Go: runtime.Version(), Decoder: decoder(),
		Device: be.Name(), Processor: processor(be.Name()), Overfit: l.overfit, Detector: detector,
		Note: l.note, Weights: folder.Weights{File: weights, SHA256: p.weights.sha256}}
	run.Data = folder.Data{Dir: dir, Train: len(p.train.Items), Validation: len(p.val.Items),
		Fingerprint: l.fingerprint(p.train, p.val)}
	return run, nil
}

// sameRun refuses to go on with other settings or pictures, and says what may change the last bits.
func sameRun(t *terminal, was, now *folder.Run) error {
	a, err := was.Settings()
	if err != nil {
		return err
	}
	b, err := now.Settings()
	if err != nil {
		return err
	}
	if diff := train.Differences(a, b); len(diff) > 0 {
		return fmt.Errorf("the run can't go on, it was another one:\n  %s", strings.Join(diff, "\n  "))
	}
	for _, c := range []struct{ what, was, now string }{{"device", was.Device, now.Device},
		{"processor", was.Processor, now.Processor}, {"program", was.Code, now.Code},
		{"decoder", was.Decoder, now.Decoder}} {
		if c.was != c.now {
			t.say("the %s was %s and is %s now: the last bits of the result may differ from an uninterrupted run's",
				c.what, c.was, c.now)
		}
	}
	return nil
}

// processor is what the backend of a spec computes on.
func processor(spec string) string {
	for _, d := range kernels.Devices() {
		if d.Spec == spec || strings.HasPrefix(d.Spec, spec+":") {
			return d.Description
		}
	}
	return ""
}

// fromFolder is a path as seen from a folder if it lies inside, else an absolute one.
func fromFolder(folder, path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return "", err
	}
	if rel, err := filepath.Rel(folder, abs); err == nil && filepath.IsLocal(rel) {
		return rel, nil
	}
	return abs, nil
}
