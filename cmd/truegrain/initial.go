package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"truegrain/models"
	"truegrain/nn/state"
	"truegrain/nn/state/store"
	"truegrain/train/folder"
)

// weightsFile is what a run starts from; no path is random values.
type weightsFile struct{ path, sha256 string }

// findWeights looks for the initial weights and checks that they are what their name says.
func (l *learning) findWeights() (weightsFile, error) {
	name := l.recipe.Model.Weights
	if l.scratch || name == "" && l.weights == "" {
		return weightsFile{}, nil
	}
	path, err := l.lookFor(name)
	if err != nil {
		return weightsFile{}, err
	}
	sum, err := state.FileSum(path)
	if err != nil {
		return weightsFile{}, fmt.Errorf("initial weights: %w", err)
	}
	if err := store.Check(filepath.Base(path), sum); err != nil {
		return weightsFile{}, fmt.Errorf("initial weights %s: %w", filepath.Dir(path), err)
	}
	return weightsFile{path, sum}, nil
}

// lookFor finds the file that --weights names, or the recipe's in the folder that it names, or where such
// files lie.
func (l *learning) lookFor(name string) (string, error) {
	places := []string{name}
	base := filepath.Base(name)
	if l.weights != "" {
		info, err := os.Stat(l.weights)
		if err != nil {
			return "", fmt.Errorf("initial weights: %w", err)
		}
		if !info.IsDir() {
			return l.weights, nil
		}
		places = []string{filepath.Join(l.weights, base)}
	} else {
		places = append(places, filepath.Join("weights", base))
		if s, err := l.store.open(); err == nil {
			places = append(places, s.Path(base))
		}
		if cache, err := torchCache(); err == nil {
			places = append(places, filepath.Join(cache, base))
		}
	}
	for _, p := range places {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			return p, nil
		}
	}
	return "", fmt.Errorf("recipe %s starts from %s, which is not at %s: 'truegrain weights import FILE' or "+
		"'truegrain weights pull URL' puts it there, --weights FILE names it, --from-scratch starts from "+
		"random weights", l.recipe.Name, name, strings.Join(places, " or "))
}

// torchCache is where torchvision keeps what it has downloaded.
func torchCache() (string, error) {
	if home := os.Getenv("TORCH_HOME"); home != "" {
		return filepath.Join(home, "hub", "checkpoints"), nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".cache", "torch", "hub", "checkpoints"), err
}

// begin loads the weights that a run starts from; one that was stopped before its first checkpoint starts
// from the same once more.
func (l *learning) begin(t *terminal, m models.Model, from folder.Weights) error {
	if l.resume && from.File != "" {
		sum, err := state.FileSum(from.File)
		if err != nil {
			return fmt.Errorf("initial weights of the run: %w", err)
		}
		if sum != from.SHA256 {
			return fmt.Errorf("%s is not the file that the run began with (SHA-256 %.12s… for %.12s…): put "+
				"that one back, or begin anew with --restart", from.File, sum, from.SHA256)
		}
	}
	return l.initial(t, m, weightsFile{from.File, from.SHA256})
}

// initial loads weights to start from. A head of another width keeps its fresh values; a segmenter takes its
// backbone from a classifier or from another segmenter. What is fresh is said.
func (l *learning) initial(t *terminal, m models.Model, w weightsFile) error {
	if w.path == "" {
		return nil
	}
	f, err := state.Open(w.path)
	if err != nil {
		return err
	}
	defer f.Close()
	report, err := state.Load(m.Params(), f,
		state.Options{ReplaceHead: headNames(m), SkipAux: l.recipe.Model.Aux == "skip",
			Adapt: models.Positions})
	if errors.As(err, new(*state.MismatchError)) && m.Kind() == models.Segmenter {
		if trunk, e := state.Load(m.Params(), f, state.Options{Only: "backbone."}); e == nil {
			report, err = trunk, nil
		}
	}
	if err != nil {
		return fmt.Errorf("start from %s: %w", w.path, err)
	}
	t.say("%s: %d tensors loaded; fresh: %s", w.path, report.Loaded, shortList(report.Replaced))
	if len(report.Adapted) > 0 {
		t.say("position embeddings were interpolated for pictures of %d × %d", m.InputSize(), m.InputSize())
	}
	return nil
}

// shortList is a list for a line: a few names, and how many there are beside them.
func shortList(names []string) string {
	const most = 8
	switch {
	case len(names) == 0:
		return "nothing"
	case len(names) <= most:
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(slices.Clone(names[:most]), ", "), len(names)-most)
}
