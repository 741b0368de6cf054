package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"truegrain/cmd/truegrain/words"
	"truegrain/models"
	"truegrain/models/detect"
	"truegrain/models/explain"
	"truegrain/nn/state"
	"truegrain/tensor/picture"
)

// ExplainCmd draws the maps of one picture: a PNG per map with its legend and stated scale, and one panel of
// all. With several detectors the panel has a row for each, so that two checkpoints stand side by side.
type ExplainCmd struct {
	File    string   `arg:"" help:"A picture."`
	Model   []string `short:"m" placeholder:"NAME|FILE" help:"Detectors: bundled names or checkpoints (default: all bundled ones)."`
	Maps    []string `placeholder:"NAME" help:"Only these maps, e.g. cam,grad_cam_ai,rollout (default: all)."`
	Heads   []string `name:"attention" placeholder:"LAYER[:HEAD]" help:"Of a transformer, the attention of single layers (from 0) and heads, e.g. 0,3:1."`
	Out     string   `short:"o" default:"maps" help:"Folder for the PNG files."`
	Opacity float64  `default:"0.75" help:"How much the strongest places cover the picture, 0 to 1."`
	View    string   `enum:",crop,resize,full" default:"" placeholder:"crop|resize|full" help:"What of the picture the detectors see (default: as they were trained)."`
	Device  string   `default:"cpu" help:"cpu, cuda:0, ref …; 'truegrain devices' lists them."`
	Exact   bool     `help:"Compute scores as the models do, without Winograd's convolutions."`
}

// Run writes the figures.
func (c *ExplainCmd) Run(ctx context.Context, t *terminal) error {
	if !(c.Opacity >= 0 && c.Opacity <= 1) {
		return usagef("--opacity is %v, want 0 to 1", c.Opacity)
	}
	heads, err := parseHeads(c.Heads)
	if err != nil {
		return err
	}
	detectors, closeAll, err := openDetectors(c.Device, c.Model)
	if err != nil {
		return err
	}
	defer closeAll()
	exactly(c.Exact, detectors)
	o := detect.Options{View: detect.View(c.View), Maps: true, Only: c.Maps, Attention: heads}
	if err := explicable(detectors, o); err != nil {
		return err
	}
	p, err := picture.Open(c.File)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return err
	}
	var rows [][]*image.RGBA
	for _, d := range detectors {
		v, err := d.Analyze(ctx, p, o)
		if err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
		fmt.Fprintf(t.out, "%s: AI %s, %s\n", d.Name, words.Percent(v.AI), words.Lean(v.Lean))
		row, err := c.draw(p, v)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	panel := filepath.Join(c.Out, "panel.png")
	t.say("panel: %s", panel)
	return writeImage(panel, sheet(rows))
}

// explicable says which of the maps that are asked for there can't be, before a picture is opened.
func explicable(detectors []*detect.Detector, o detect.Options) error {
	if err := knownMaps(detectors, o.Only); err != nil {
		return err
	}
	if err := possible(detectors, o); err != nil {
		return err
	}
	transformer := func(d *detect.Detector) bool { return d.Model.Kind() == models.Transformer }
	if len(o.Attention) > 0 && !slices.ContainsFunc(detectors, transformer) {
		return usagef("--attention: none of these detectors is a transformer")
	}
	return nil
}

// panelSide is the longest side of a picture in the panel of all maps, which is to fit a screen.
const panelSide = 360

// draw writes every map over the whole picture, and gives them at the panel's size.
func (c *ExplainCmd) draw(p *picture.Picture, v *detect.Verdict) ([]*image.RGBA, error) {
	small := p
	if side := max(p.W, p.H); side > panelSide {
		small = p.Resize(max(1, p.W*panelSide/side), max(1, p.H*panelSide/side))
	}
	row, errs := make([]*image.RGBA, len(v.Maps)), make([]error, len(v.Maps))
	var wg sync.WaitGroup
	for i, m := range v.Maps {
		wg.Go(func() {
			m.Title += " · " + v.Detector
			row[i] = m.Figure(small, c.Opacity)
			errs[i] = writeImage(filepath.Join(c.Out, v.Detector+"-"+m.Name+".png"), m.Figure(p, c.Opacity))
		})
	}
	wg.Wait()
	return row, errors.Join(errs...)
}

// parseHeads reads LAYER or LAYER:HEAD.
func parseHeads(args []string) ([]detect.Head, error) {
	var out []detect.Head
	for _, a := range args {
		layer, head, one := strings.Cut(a, ":")
		h := detect.Head{Head: explain.AllHeads}
		var err error
		if h.Layer, err = strconv.Atoi(layer); err == nil && one {
			h.Head, err = strconv.Atoi(head)
		}
		if err != nil || h.Layer < 0 || one && h.Head < 0 {
			return nil, usagef("--attention: %q, want LAYER or LAYER:HEAD, counted from 0", a)
		}
		out = append(out, h)
	}
	return out, nil
}

// sheet stacks one panel per detector.
func sheet(rows [][]*image.RGBA) *image.RGBA {
	var panels []*image.RGBA
	for _, r := range rows {
		if len(r) > 0 {
			panels = append(panels, explain.Panel(r, len(r)))
		}
	}
	return explain.Panel(panels, 1)
}

// knownMaps refuses a map that no detector has.
func knownMaps(detectors []*detect.Detector, want []string) error {
	var have []string
	for _, d := range detectors {
		for _, n := range detect.MapNames(d.Model) {
			if !slices.Contains(have, n) {
				have = append(have, n)
			}
		}
	}
	for _, n := range want {
		if !slices.Contains(have, n) {
			return usagef("--maps: %q is no map of these detectors; they have %s", n,
				strings.Join(have, ", "))
		}
	}
	return nil
}

// writeImage encodes quickly rather than tightly: a tight encoder takes longer than the detectors.
func writeImage(path string, img *image.RGBA) error {
	return state.Atomic(path, func(w io.Writer) error {
		enc := png.Encoder{CompressionLevel: png.BestSpeed}
		return enc.Encode(w, img)
	})
}
