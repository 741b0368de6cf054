package main

import (
	"context"
	"encoding/json"
	"fmt"

	"truegrain/train/data"
)

// IndexCmd lists the pictures of folders and shards in one CSV file, with their sizes, so that millions of
// them open in seconds.
type IndexCmd struct {
	Source  []string `arg:"" help:"Folders in a layout (…/{train,val}/{ai,nature}, …/{0_real,1_fake}), FOLDER=ai or FOLDER=nature for pictures of one class, shards, other indexes."`
	Out     string   `short:"o" required:"" placeholder:"FILE" help:"The index to write (.csv); paths are relative to its folder."`
	Exclude []string `placeholder:"FILE" help:"Leave out what a list names, a path a line: what 'data check' wrote."`
	JSON    bool     `help:"Print the counts as JSON."`
}

// Run writes the index.
func (c *IndexCmd) Run(ctx context.Context, t *terminal) error {
	w, end := t.work("index", c.Exclude)
	pictures, skipped, err := data.WriteIndex(ctx, c.Out, c.Source, w)
	end()
	if err != nil {
		return goesOn(ctx, err, c.Out)
	}
	if c.JSON {
		return json.NewEncoder(t.out).Encode(map[string]any{"index": c.Out, "pictures": pictures,
			"left_out": skipped})
	}
	_, err = fmt.Fprintf(t.out, "%s: %d pictures%s\n", c.Out, pictures, leftOut(skipped))
	return err
}

// work is long work over pictures with its progress on the terminal.
func (t *terminal) work(title string, exclude []string) (w data.Work, end func()) {
	var bar *progress
	w = data.Work{Exclude: exclude, Progress: func(done, total int) {
		if bar == nil {
			bar = t.progress(title, total)
		}
		bar.at(done, "")
	}}
	return w, func() {
		if bar != nil {
			bar.end()
		}
	}
}

// goesOn says, of work that was interrupted, that it can be taken up again.
func goesOn(ctx context.Context, err error, out string) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%w; the same command goes on where %s was left", context.Cause(ctx), out)
}

// leftOut says how many pictures are known to be damaged.
func leftOut(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d left out: a list says they are damaged", n)
}
