package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"truegrain/models"
	"truegrain/models/detect"
	"truegrain/nn/state"
	"truegrain/train/evaluate"
)

// EvalCmd scores labelled pictures and says how well detectors do: on test sets and in views, under
// degradation, every measure with its 95 % interval, next to what picture size alone gives.
type EvalCmd struct {
	Data        []string `arg:"" optional:"" help:"Folders of pictures (…/{train,val}/{ai,nature}) or of samples with masks, index.csv, folders of shards, or FOLDER=nature for one class."`
	Sets        string   `type:"existingfile" placeholder:"FILE" help:"Test sets as YAML instead: a list 'sets' of name, data, split, generators, exclude, masks, limit."`
	Model       []string `short:"m" placeholder:"NAME|FILE" help:"Detectors: bundled names or checkpoints (default: all bundled ones)."`
	Device      string   `default:"cpu" help:"cpu, cuda:0, ref …; 'truegrain devices' lists them."`
	Split       string   `enum:"train,val,test,all" default:"val" help:"Which part of the folders: train, val, test or all."`
	View        []string `enum:"crop,random,resize,full" help:"What of each picture the detectors see: crop (crops that cover it), random (one crop), resize, full; several with commas (default: as they were trained)."`
	Generators  []string `placeholder:"NAME" help:"Only these generators."`
	Exclude     []string `placeholder:"NAME" help:"All generators but these."`
	ByGenerator bool     `default:"true" negatable:"" help:"Also take each generator of a folder as a test set of its own."`
	Degrade     []string `placeholder:"NAME" help:"Degrade the pictures first, besides as they are: grid, genimage, or names (${degradations})."`
	Pixels      bool     `default:"true" negatable:"" help:"Count the pixels of segmenters' maps."`
	Protocol    string   `enum:"raw,unbiased" default:"raw" help:"raw: the files as they are; unbiased: AI pictures and photographs in pairs of the same size and JPEG quality."`
	Limit       int      `help:"Take only this many pictures of each folder (0: all)."`
	Samples     int      `default:"2000" help:"Bootstrap samples for the intervals (0: no intervals)."`
	Seed        uint64   `default:"1" help:"Seed of the bootstrap, the random crops and the noise."`
	Exact       bool     `help:"Compute without faster algorithms that round a little more."`
	Out         string   `short:"o" type:"path" placeholder:"FOLDER" help:"Write report.html, report.json, results.csv, tables.md and plots; predictions are kept there, and an interrupted evaluation goes on."`
	JSON        bool     `help:"Print the report as JSON."`
}

// fullHD is how many pixels a picture may have in full size.
const fullHD = 1920 * 1080

// Validate refuses what makes no sense together.
func (c *EvalCmd) Validate() error {
	switch {
	case len(c.Data) == 0 && c.Sets == "":
		return errors.New("name a folder of pictures, or test sets with --sets FILE")
	case len(c.Data) > 0 && c.Sets != "":
		return errors.New("--sets names the folders itself")
	case c.Samples < 0 || c.Samples > 1_000_000:
		return fmt.Errorf("--samples %d: want 0 to 1000000", c.Samples)
	case c.Limit < 0:
		return fmt.Errorf("--limit %d: want 0 or more", c.Limit)
	}
	return nil
}

// Run evaluates every detector on every set, in every view.
func (c *EvalCmd) Run(ctx context.Context, t *terminal) error {
	sets, err := c.open(ctx)
	if err != nil {
		return err
	}
	detectors, closeAll, err := openDetectors(c.Device, c.Model)
	if err != nil {
		return err
	}
	defer closeAll()
	exactly(c.Exact, detectors)
	e := newEvaluation(c, t, detectors, sets)
	if err := e.run(ctx); err != nil {
		if c.Out != "" && ctx.Err() != nil {
			t.say("what was scored is kept in %s; the same command goes on", c.Out)
		}
		return fmt.Errorf("evaluate: %w", err)
	}
	if c.Out != "" {
		if err := c.write(e.report); err != nil {
			return err
		}
	}
	if c.JSON {
		return e.report.WriteJSON(t.out)
	}
	if err := e.report.WriteText(t.out); err != nil {
		return err
	}
	if c.Out != "" {
		fmt.Fprintf(t.out, "written to %s\n", filepath.Join(c.Out, "report.html"))
	}
	return nil
}

// open lists the test sets: those of the file or of the folders, each whole and by generator.
func (c *EvalCmd) open(ctx context.Context) ([]*evaluate.Set, error) {
	var specs []evaluate.Spec
	for _, dir := range c.Data {
		specs = append(specs, evaluate.Spec{Name: filepath.Base(filepath.Clean(dir)), Data: dir,
			Generators: c.Generators,
			Exclude:    c.Exclude, Limit: c.Limit})
	}
	if c.Sets != "" {
		var err error
		if specs, err = evaluate.ReadSpecs(c.Sets); err != nil {
			return nil, err
		}
	}
	var out []*evaluate.Set
	var names []string
	for _, spec := range specs {
		set, err := spec.Open(c.Split, c.Seed)
		if err != nil {
			return nil, err
		}
		if c.Protocol == "unbiased" {
			if err := set.Unbias(ctx, c.Seed); err != nil {
				return nil, err
			}
		}
		parts := []*evaluate.Set{set}
		if c.ByGenerator && c.Sets == "" {
			parts = append(parts, set.ByGenerator()...)
		}
		for _, s := range parts {
			for n, name := 2, s.Name; slices.Contains(names, s.Name); n++ {
				s.Name = fmt.Sprintf("%s-%d", name, n)
			}
			names = append(names, s.Name)
			out = append(out, s)
		}
	}
	return out, nil
}

// views are those that a detector takes: a transformer has no full size.
func (c *EvalCmd) views(d *detect.Detector) []string {
	if len(c.View) == 0 {
		return []string{d.Card.View}
	}
	return slices.DeleteFunc(slices.Clone(c.View), func(v string) bool {
		return v == string(detect.Full) && d.Model.Kind() == models.Transformer
	})
}

// write writes the report in all its forms.
func (c *EvalCmd) write(r *evaluate.Report) error {
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return err
	}
	files := map[string]func(io.Writer) error{"report.json": r.WriteJSON, "results.csv": r.WriteCSV,
		"tables.md": r.WriteMarkdown, "report.html": r.WriteHTML}
	for _, name := range []string{"report.json", "results.csv", "tables.md", "report.html"} {
		if err := state.Atomic(filepath.Join(c.Out, name), files[name]); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	return r.WritePlots(c.Out)
}
