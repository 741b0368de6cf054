package main

import (
	"context"
	"fmt"

	"truegrain/train/data/synth"
)

// DataCmd groups the commands that make and look after data sets.
type DataCmd struct {
	Index   IndexCmd   `cmd:"" help:"List the pictures of folders and shards in one file that opens fast."`
	Check   CheckCmd   `cmd:"" help:"Decode every picture and list those that can't be read."`
	Audit   AuditCmd   `cmd:"" help:"Look for what gives the classes away besides the pixels: format, size, quality, metadata."`
	Inpaint InpaintCmd `cmd:"" help:"Make a set of partly edited photographs with masks."`
	Shard   ShardCmd   `cmd:"" help:"Copy pictures into tar shards, so that millions need not be opened one by one."`
	Synth   SynthCmd   `cmd:"" help:"Render a small synthetic data set in GenImage's layout."`
}

// SynthCmd renders photographs through a camera model and AI pictures through eight generators' fingerprints.
type SynthCmd struct {
	Dir   string `arg:"" help:"Folder to write; it is made if it does not exist."`
	Seed  uint64 `default:"1" help:"The same seed gives the same bytes."`
	Train int    `default:"150" help:"Pictures of each class for each seen generator, in train."`
	Val   int    `default:"40" help:"The same in val."`
	Test  int    `default:"60" help:"The same in test, which has the held-out generator, too."`
}

// Run renders the set.
func (c *SynthCmd) Run(ctx context.Context, t *terminal) error {
	if min(c.Train, c.Val, c.Test) < 0 || c.Train+c.Val+c.Test == 0 ||
		max(c.Train, c.Val, c.Test) > 1_000_000 {
		return usagef("--train %d, --val %d, --test %d: want 0 to 1,000,000 each, and not all 0", c.Train,
			c.Val, c.Test)
	}
	var bar *progress
	rows, err := synth.Make(ctx, c.Dir, synth.Options{Seed: c.Seed, Train: c.Train, Val: c.Val, Test: c.Test,
		Progress: func(done, total int) {
			if bar == nil {
				bar = t.progress("render", total)
			}
			bar.at(done, "")
		}})
	if bar != nil {
		bar.end()
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%d pictures in %s\n", len(rows), c.Dir)
	return err
}
