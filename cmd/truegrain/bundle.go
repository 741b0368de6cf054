package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"truegrain/models/detect"
	"truegrain/nn/state"
	"truegrain/train/data/synth"
	"truegrain/train/recipes"
)

// syntheticNote stands beside every score of a detector that learned from the synthetic set.
const syntheticNote = "They learned from synthetic pictures. Their numbers prove nothing about a real picture."

// minis are the three small detectors, each with what it learns quickly by.
var minis = []struct {
	arch, loss string
	classes    int
	lr         float64
}{{"resnet_mini", "auto", 1, 3e-3}, {"fcn8s_mini", "pixel-bce", 1, 3e-3}, {"vit_mini_8", "auto", 2, 1.5e-3}}

// school trains the minis on a synthetic set: dir holds the set and the runs, out takes a detector for each.
type school struct {
	dir, out, device string
	epochs           map[string]int
	seed             uint64
	dtype            string
}

func (s school) run(ctx context.Context, t *terminal) ([]*detect.Detector, error) {
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return nil, err
	}
	var out []*detect.Detector
	for _, m := range minis {
		r, err := recipes.Open(recipes.Basic)
		if err != nil {
			return nil, err
		}
		r.Model.Name, r.Model.Classes, r.Loss.Name, r.Seed = m.arch, m.classes, m.loss, s.seed
		r.Schedule[0].Epochs, r.Schedule[0].LR = s.epochs[m.arch], m.lr
		l := &learning{recipe: r, dir: s.dir, folder: filepath.Join(s.dir, "runs", m.arch), device: s.device,
			dtype: s.dtype, detector: filepath.Join(s.out, m.arch+".safetensors"), restart: true,
			note: syntheticNote}
		d, err := l.run(ctx, t)
		if err != nil {
			return nil, fmt.Errorf("train %s: %w", m.arch, err)
		}
		d.Card.Data = "synthetic pictures (truegrain data synth)"
		if err := d.SaveAs(l.detector, s.dtype); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// BundleCmd trains the bundled detectors anew: a larger synthetic set and more epochs than the demo's.
type BundleCmd struct {
	Out    string `arg:"" help:"Folder for the weights and model cards."`
	Work   string `default:"data/bundle" help:"Folder for the synthetic set."`
	Seed   uint64 `default:"1"`
	Train  int    `default:"300"`
	Epochs int    `default:"10"`
	Device string `default:"cpu"`
}

// Run renders the set, trains the three, and writes weights at half precision with a model card each.
func (c *BundleCmd) Run(ctx context.Context, t *terminal) error {
	set := SynthCmd{Dir: c.Work, Seed: c.Seed, Train: c.Train, Val: 100, Test: 100}
	if err := set.Run(ctx, t); err != nil {
		return err
	}
	epochs := map[string]int{"resnet_mini": c.Epochs, "fcn8s_mini": c.Epochs, "vit_mini_8": 2 * c.Epochs}
	s := school{dir: c.Work, out: c.Out, device: c.Device, epochs: epochs, seed: c.Seed, dtype: "F16"}
	detectors, err := s.run(ctx, t)
	if err != nil {
		return err
	}
	for _, d := range detectors {
		if err := writeCard(filepath.Join(c.Out, d.Name+".md"), d, len(synth.Generators)); err != nil {
			return err
		}
	}
	return nil
}

// writeCard writes a model card for people.
func writeCard(path string, d *detect.Detector, generators int) error {
	return state.Atomic(path, func(w io.Writer) error {
		k := d.Card
		_, err := fmt.Fprintf(w, `# %s

%s

| | |
|---|---|
| data | %s: %d generators, one of them held out |
| recipe | %s |
| seed | %d |
| sees | %d × %d crops that cover the picture, scores averaged |
| accuracy, unseen pictures of seen generators | %.1f %% (95 %%: %.1f to %.1f), %d pictures |
| accuracy, unseen generator | %.1f %% |
| AUC | %.3f |
| calibration error (ECE, 15 bins) | %.3f |
| mask IoU on composites | %s |
| picture size alone | %.1f %% |
| undecided band of p(AI) | %.2f to %.2f |
| decoder | %s |
`, d.Name, k.Note, k.Data, generators, k.Recipe, k.Seed, k.Size, k.Size, 100*k.Test.Accuracy, 100*k.Test.Interval[0],
			100*k.Test.Interval[1], k.Test.N, 100*k.Test.HeldOut, k.Test.AUC, k.Test.ECE, iouText(k.Test.IoU),
			100*k.Test.SizeFloor, k.Band[0], k.Band[1], k.Decoder)
		return err
	})
}

func iouText(v float64) string {
	if v == 0 {
		return "does not segment"
	}
	return fmt.Sprintf("%.2f", v)
}
