package main

import (
	"context"
	"encoding/json"
	"fmt"

	"truegrain/models/detect"
	"truegrain/train"
	"truegrain/train/data"
)

// EvalCmd scores labelled pictures and prints confusion matrix, accuracy, AUC and calibration error of every
// detector, each with its 95 % interval, next to what picture size alone gives.
type EvalCmd struct {
	Data   string   `arg:"" help:"Folder of pictures (…/{train,val}/{ai,nature}), index.csv, or folder of shards."`
	Model  []string `short:"m" placeholder:"NAME|FILE" help:"Detectors: bundled names or checkpoints (default: all bundled ones)."`
	Device string   `default:"cpu" help:"cpu, cpu:avx2, ref …; 'truegrain devices' lists them."`
	Split  string   `enum:"train,val,test,all" default:"val" help:"Which part of the folder: train, val, test or all."`
	View   string   `enum:",crop,resize,full" default:"" help:"What of each picture the detectors see (default: as they were trained)."`
	Limit  int      `help:"Take only this many pictures (0: all)."`
	JSON   bool     `help:"Print the report as JSON."`
}

// Run evaluates every detector on the same pictures.
func (c *EvalCmd) Run(ctx context.Context, t *terminal) error {
	detectors, closeAll, err := openDetectors(c.Device, c.Model)
	if err != nil {
		return err
	}
	defer closeAll()
	set, err := data.OpenGenImage(c.Data, c.Split, data.Options{Limit: c.Limit})
	if err != nil {
		return err
	}
	scores, err := score(ctx, t, detectors, set, detect.View(c.View))
	if err != nil {
		return fmt.Errorf("evaluate on %s: %w", c.Data, err)
	}
	reports := map[string]*train.Report{}
	for i, d := range detectors {
		r, err := train.Judge(scores[i], d.Card.AI)
		if err != nil {
			return fmt.Errorf("evaluate %s on %s: %w", d.Name, c.Data, err)
		}
		reports[d.Name] = r
		if !c.JSON {
			fmt.Fprintf(t.out, "%s on %s (%s)\n", d.Name, c.Data, c.Split)
			if err := r.Write(t.out); err != nil {
				return err
			}
			fmt.Fprintln(t.out)
		}
	}
	if c.JSON {
		enc := json.NewEncoder(t.out)
		enc.SetIndent("", "  ")
		return enc.Encode(reports)
	}
	if note := notes(detectors); note != "" {
		fmt.Fprintln(t.out, "Note: "+note)
	}
	return nil
}

// score runs every detector over a set, each picture decoded once; scores[i] belongs to detector i. A picture
// that can't be read is named and left out.
func score(ctx context.Context, t *terminal, detectors []*detect.Detector, set *data.Set,
	view detect.View) ([][]train.Scored, error) {
	bar := t.progress("score", len(set.Items))
	defer bar.end()
	out := make([][]train.Scored, len(detectors))
	for n, item := range set.Items {
		p, err := item.Picture()
		if err != nil {
			t.say("%v", err)
			continue
		}
		for i, d := range detectors {
			v := view
			if v == "" {
				v = detect.View(d.Card.View)
			}
			raw, err := d.Score(ctx, p, v)
			if err != nil {
				return nil, err
			}
			out[i] = append(out[i], train.Scored{File: item.Path, Generator: item.Generator,
				Label: item.Label, Raw: raw, W: p.W, H: p.H})
		}
		bar.at(n+1, "")
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	return out, nil
}
