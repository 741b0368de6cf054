package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"truegrain/autograd"
	"truegrain/nn/state"
)

// Checkpoints keeps a run on disk: Dir/checkpoints/NUMBER.safetensors, the last few states by the number of
// batches seen, each with all that a run needs to go on bit for bit, and Dir/best.safetensors, the weights
// with the lowest validation loss. Files are written behind the training's back and are whole or not there.
type Checkpoints struct {
	Dir     string
	Last    int           // states that stay; at least 1
	Every   time.Duration // between two; 0: only at the end of each epoch
	Batches int           // between two, counted in batches; 0: none
	// Card is what best.safetensors says about itself.
	Card func(State) (map[string]string, error)
	// Settings are what decides the run, by key. A state that was saved under others is not resumed.
	Settings map[string]string

	writer writer
	saved  time.Time // when the last state was copied
	seen   int       // batches, when the last state was copied
}

// Best is the file with the best weights.
func (c *Checkpoints) Best() string { return filepath.Join(c.Dir, "best.safetensors") }

func (c *Checkpoints) folder() string { return filepath.Join(c.Dir, "checkpoints") }

// The keys of a state's metadata.
const (
	stateKey    = "truegrain.state"
	settingsKey = "truegrain.settings"
)

// saveIfDue saves the state if it is time to, and the one before has been written.
func (c *Checkpoints) saveIfDue(l *Loop) error {
	if c == nil || c.writer.busy() {
		return nil
	}
	if c.saved.IsZero() {
		c.saved, c.seen = l.clock.start, l.State.Seen-1
	}
	due := c.Every > 0 && time.Since(c.saved) >= c.Every || c.Batches > 0 && l.State.Seen-c.seen >= c.Batches
	if !due {
		return nil
	}
	return c.save(l, false)
}

// save begins to save the state, and with best the weights as they are as the best so far.
func (c *Checkpoints) save(l *Loop, best bool) error {
	if c == nil {
		return nil
	}
	var files []file
	if best {
		meta, err := c.card(l.State)
		if err != nil {
			return err
		}
		params := l.Model.Params()
		if l.EMA != nil {
			params = l.EMA.Params()
		}
		files = append(files, file{path: c.Best(), params: params, meta: meta})
	}
	js, err := json.Marshal(l.State)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	settings, err := json.Marshal(c.Settings)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	meta := map[string]string{stateKey: string(js), settingsKey: string(settings), "format": "pt"}
	path := filepath.Join(c.folder(), fmt.Sprintf("%09d.safetensors", l.State.Seen))
	// It stands behind the best, which it counts on.
	files = append(files, file{path: path, params: l.tensors(), meta: meta})
	c.saved, c.seen = time.Now(), l.State.Seen
	return c.writer.start(files, c.prune)
}

func (c *Checkpoints) card(s State) (map[string]string, error) {
	if c.Card == nil {
		return nil, nil
	}
	return c.Card(s)
}

func (c *Checkpoints) wait() error {
	if c == nil {
		return nil
	}
	return c.writer.wait()
}

// prune removes all but the last states.
func (c *Checkpoints) prune() error {
	paths, err := c.states()
	if err != nil {
		return err
	}
	for _, p := range paths[:max(0, len(paths)-max(c.Last, 1))] {
		if err := os.Remove(p); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
	}
	return nil
}

// states lists the states on disk, oldest first.
func (c *Checkpoints) states() ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(c.folder(), "*.safetensors"))
	if err != nil {
		return nil, err
	}
	paths = slices.DeleteFunc(paths, func(p string) bool { return strings.HasPrefix(filepath.Base(p), ".") })
	slices.Sort(paths)
	return paths, nil
}

// Open makes the folders and removes what an interrupted write has left.
func (c *Checkpoints) Open() error {
	if err := os.MkdirAll(c.folder(), 0o755); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	for _, dir := range []string{c.Dir, c.folder()} {
		left, err := filepath.Glob(filepath.Join(dir, ".*.safetensors.*"))
		if err != nil {
			return err
		}
		for _, p := range left {
			if err := os.Remove(p); err != nil {
				return fmt.Errorf("checkpoint: %w", err)
			}
		}
	}
	return nil
}

// ErrNoCheckpoint says that a folder holds no state to go on from.
var ErrNoCheckpoint = errors.New("no checkpoint to go on from")

// Latest is the newest state on disk.
func (c *Checkpoints) Latest() (string, error) {
	paths, err := c.states()
	if err != nil {
		return "", err
	}
	if len(paths) == 0 {
		return "", fmt.Errorf("%s: %w", c.folder(), ErrNoCheckpoint)
	}
	return paths[len(paths)-1], nil
}

// tensors is everything that a state holds: the model, the optimiser's and the averaged weights' state, and
// gradients that wait for their update.
func (l *Loop) tensors() []*autograd.Param {
	model := l.Model.Params()
	all := append(model[:len(model):len(model)], l.Optimizer.State()...)
	if l.EMA != nil {
		all = append(all, l.EMA.State()...)
	}
	if l.State.Held.Batches > 0 {
		for _, p := range model {
			if g := p.Grad(); !g.IsZero() {
				all = append(all, alias(p, g.Buf, gradSuffix))
			}
		}
	}
	return all
}

const gradSuffix = ".grad"

// Resume takes up a state: Run then goes on bit for bit where it was saved.
func (l *Loop) Resume(path string) error {
	f, err := state.Open(path)
	if err != nil {
		return fmt.Errorf("%w; if the file is damaged, remove it: the run then goes on from the state before",
			err)
	}
	defer f.Close()
	js, ok := f.Metadata()[stateKey]
	if !ok {
		return fmt.Errorf("%s: holds weights, but not the state of a run; start from it with --weights", path)
	}
	var s State
	var settings map[string]string
	if err := errors.Join(json.Unmarshal([]byte(js), &s),
		json.Unmarshal([]byte(f.Metadata()[settingsKey]), &settings)); err != nil {
		return fmt.Errorf("%s: its state can't be read: %w", path, err)
	}
	if l.Checkpoints != nil {
		if diff := Differences(settings, l.Checkpoints.Settings); len(diff) > 0 {
			return fmt.Errorf("%s is of another run:\n  %s", path, strings.Join(diff, "\n  "))
		}
	}
	params, err := l.destinations(f)
	if err != nil {
		return err
	}
	if _, err := state.Load(params, f, state.Options{}); err != nil {
		return fmt.Errorf("%s was saved by another model: %w", path, err)
	}
	l.Optimizer.Resume()
	if l.EMA != nil {
		l.EMA.Resume()
	}
	l.State = s
	return nil
}

// destinations is where a state's tensors go: as tensors, with the gradients that the file has.
func (l *Loop) destinations(f *state.File) ([]*autograd.Param, error) {
	l.State = State{}
	all := l.tensors()
	for _, p := range l.Model.Params() {
		p.ZeroGrad()
		if _, ok := f.Info(p.Name + gradSuffix); !ok {
			continue
		}
		g, err := p.RestoreGrad()
		if err != nil {
			return nil, err
		}
		all = append(all, alias(p, g.Buf, gradSuffix))
	}
	return all, nil
}
