package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"truegrain/models/detect"
	"truegrain/train/data"
)

// DemoCmd goes through everything once: render a data set, train three small detectors, calibrate and test
// them, and explain their answers in a report.
type DemoCmd struct {
	Report string `default:"report" help:"Folder for the report."`
	Work   string `default:"data/demo" help:"Folder for the synthetic set and the checkpoints."`
	Seed   uint64 `default:"1" help:"The same seed gives the same report."`
	Device string `default:"cpu" help:"cpu, cuda:0 …; 'truegrain devices' lists them."`
}

// demoEpochs fit the demo into four minutes on two cores.
var demoEpochs = map[string]int{"resnet_mini": 6, "fcn8s_mini": 6, "vit_mini_8": 10}

// Run does it all.
func (c *DemoCmd) Run(ctx context.Context, t *terminal) error {
	start := time.Now()
	set := SynthCmd{Dir: c.Work, Seed: c.Seed, Train: 100, Val: 24, Test: 30}
	t.say("1 of 3: render a synthetic data set")
	if err := set.Run(ctx, t); err != nil {
		return err
	}
	t.say("2 of 3: train, calibrate and test three small detectors")
	s := school{dir: c.Work, out: filepath.Join(c.Work, "detectors"), device: c.Device, epochs: demoEpochs,
		seed: c.Seed}
	detectors, err := s.run(ctx, t)
	if err != nil {
		return err
	}
	t.say("3 of 3: explain their answers on pictures they have not seen")
	if err := c.explain(ctx, t, detectors); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "Done in %s. Open %s in a browser.\n", time.Since(start).Round(time.Second),
		filepath.Join(c.Report, "index.html"))
	return err
}

// explain writes the report on some composites and some pictures of each generator.
func (c *DemoCmd) explain(ctx context.Context, t *terminal, detectors []*detect.Detector) error {
	whole, err := data.OpenGenImage(c.Work, data.Test, data.Options{Limit: 16})
	if err != nil {
		return err
	}
	parts, err := data.OpenInpaint(c.Work, data.Test)
	if err != nil {
		return err
	}
	var files []target
	for i := range min(8, len(parts.Items)) { // of every generator
		it := parts.Items[i*len(parts.Items)/min(8, len(parts.Items))]
		files = append(files, target{path: it.Path, known: "partly AI"})
	}
	for _, it := range whole.Items {
		known := "photograph (rendered)"
		if it.Label == data.AI {
			known = "AI, generator " + it.Generator
		}
		files = append(files, target{path: it.Path, known: known})
	}
	a := analysis{t: t, detectors: detectors, opts: detect.Options{Maps: true}}
	if a.report, err = newReport(c.Report, detectors); err != nil {
		return err
	}
	start := time.Now()
	results, err := a.all(ctx, files)
	if err != nil {
		return err
	}
	if err := a.report.Write(time.Since(start)); err != nil {
		return err
	}
	return table(t, detectors, results)
}
