package detect

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"truegrain/models"
	"truegrain/nn/card"
	"truegrain/nn/state"
	"truegrain/tensor/picture"
)

// pixelMapName is the name of the map that a companion draws.
const pixelMapName = "pixel_map"

// CompanionOf is what a card says of a checkpoint whose pixel map is to be shown beside a detector's verdict.
func CompanionOf(path string) (*card.Companion, error) {
	sum, err := state.FileSum(path)
	if err != nil {
		return nil, err
	}
	return &card.Companion{File: filepath.Base(path), SHA256: sum}, nil
}

// openCompanion loads the checkpoint that the card names for its pixel map, from the folder of its own file;
// "" is the program itself, which has none beside it. The companion's own companion does not count.
func (d *Detector) openCompanion(folder string) error {
	c := d.Card.MapFrom
	if c == nil {
		return nil
	}
	if folder == "" {
		return fmt.Errorf("its map comes from %s: a bundled detector has no file beside it", c.File)
	}
	path := filepath.Join(folder, c.File)
	sum, err := state.FileSum(path)
	if err != nil {
		return fmt.Errorf("its map comes from %s, which should lie beside it: %w", c.File, err)
	}
	if sum != c.SHA256 {
		return fmt.Errorf("its map comes from %s, but that is another file now (SHA-256 %.16s…, want "+
			"%.16s…): 'truegrain calibrate --map-from' names it anew", path, sum, c.SHA256)
	}
	f, err := state.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := fromFile(d.be, d.Name, f)
	if err != nil {
		return fmt.Errorf("its map comes from %s: %w", path, err)
	}
	if m.Model.Kind() != models.Segmenter {
		return fmt.Errorf("its map comes from %s: a %s model has no pixel map; want a segmenter", path,
			m.Model.Kind())
	}
	d.companion = m
	return nil
}

// withCompanion puts the companion's pixel map in the place of the detector's own, or in front.
func (d *Detector) withCompanion(ctx context.Context, p *picture.Picture, o Options, maps []Map) ([]Map,
	error) {
	if d.companion == nil || !o.wanted(pixelMapName) {
		return maps, nil
	}
	theirs, _, err := d.companion.Explain(ctx, p, Options{View: d.view(o.View), Maps: true,
		Only:  []string{pixelMapName},
		Cells: o.Cells})
	if err != nil {
		return nil, fmt.Errorf("map of %s: %w", d.Card.MapFrom.File, err)
	}
	if len(theirs) != 1 {
		return nil, errors.New("the companion has drawn no pixel map")
	}
	maps = slices.DeleteFunc(maps, func(m Map) bool { return m.Name == pixelMapName })
	return append(theirs, maps...), nil
}
