package detect

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"truegrain/kernels"
	"truegrain/models"
	"truegrain/models/bundled"
	"truegrain/nn/card"
	"truegrain/nn/state"
)

// Load opens a detector: a bundled one by name, or a checkpoint with its card by path.
func Load(be kernels.Backend, spec string) (*Detector, error) {
	open, name := func() (*state.File, error) { return state.Open(spec) },
		strings.TrimSuffix(filepath.Base(spec), filepath.Ext(spec))
	folder := filepath.Dir(spec)
	if slices.Contains(bundled.Names(), spec) {
		open, name = func() (*state.File, error) { return bundled.Open(spec) }, spec
		folder = ""
	}
	f, err := open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("load detector %s: %w; bundled are %s", spec, err,
			strings.Join(bundled.Names(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("load detector %s: %w", spec, err)
	}
	defer f.Close()
	d, err := fromFile(be, name, f)
	if err == nil {
		err = d.openCompanion(folder)
	}
	if err != nil {
		return nil, fmt.Errorf("load detector %s: %w", spec, err)
	}
	return d, nil
}

func fromFile(be kernels.Backend, name string, f *state.File) (*Detector, error) {
	c, err := card.Read(f.Metadata())
	if errors.Is(err, card.ErrNone) {
		return nil, fmt.Errorf("%w; train or import it with 'truegrain train' first", err)
	}
	if err != nil {
		return nil, err
	}
	m, err := models.New(be, c.Arch, models.Config{Classes: c.Classes, Size: c.Size, Empty: true})
	if err != nil {
		return nil, err
	}
	if _, err := state.Load(m.Params(), f, state.Options{SkipAux: true}); err != nil {
		return nil, err
	}
	return New(be, name, m, c), nil
}

// Save writes the detector as one file, weights and card, which Load opens.
func (d *Detector) Save(path string) error { return d.SaveAs(path, "") }

// SaveAs is Save with the weights in another type, "F16" or "BF16", to save space.
func (d *Detector) SaveAs(path, dtype string) error {
	meta, err := d.Card.Metadata()
	if err != nil {
		return err
	}
	return state.Save(path, d.Model.Params(), meta, state.SaveOptions{DType: dtype})
}

// Short is the kind of detector in a word.
func (d *Detector) Short() string {
	switch d.Model.Kind() {
	case models.Transformer:
		return "ViT"
	case models.Segmenter:
		return "FCN"
	}
	return "CNN"
}
