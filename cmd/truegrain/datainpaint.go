package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"truegrain/train/data/inpaint"
)

// InpaintCmd makes a set of partly edited photographs with masks.
type InpaintCmd struct {
	Photos  string `arg:"" type:"existingdir" help:"Folder of photographs; NAME.txt beside one is its prompt."`
	CutOuts string `name:"cutouts" required:"" type:"existingdir" placeholder:"DIR" help:"Folder of cut-outs: NAME.png, the object opaque, the background transparent."`
	Out     string `short:"o" required:"" placeholder:"DIR" help:"Folder of the set: NAME-{object,background}/{original,edited,mask}."`

	Server   string        `placeholder:"URL" help:"A Stable Diffusion web UI started with --api (http://127.0.0.1:7860); without one, masks are filled by the heat equation, to try things out."`
	Prompts  string        `type:"existingfile" placeholder:"FILE" help:"Prompts, one a line; one is drawn for each photograph without its own."`
	Negative string        `placeholder:"TEXT" help:"Prompt of what is not wanted."`
	Sampler  string        `placeholder:"NAME" help:"The server's name of a sampler (default: its own choice)."`
	Steps    int           `default:"30" help:"Of the sampler."`
	Denoise  float64       `default:"0.9" help:"0 keeps what was there, 1 forgets it."`
	Timeout  time.Duration `default:"5m" help:"For one picture."`

	Seed    uint64 `default:"1" help:"Of prompts and of the server's noise."`
	Longest int    `default:"768" help:"Scale larger photographs down to this side (0: never), which also takes traces of earlier encoders away."`
	Quality int    `default:"92" help:"Of JPEG, for original and edited alike; 0 writes PNG."`
	Limit   int    `help:"Take only this many photographs (0: all)."`
	JSON    bool   `help:"Print the counts as JSON."`
}

// Run makes the set.
func (c *InpaintCmd) Run(ctx context.Context, t *terminal) error {
	if c.Steps < 1 || c.Denoise < 0 || c.Denoise > 1 || c.Longest < 0 || c.Quality < 0 || c.Quality > 100 {
		return usagef("--steps must be at least 1, --denoise 0 to 1, --longest not negative, --quality 0 to 100")
	}
	prompts, err := c.prompts()
	if err != nil {
		return err
	}
	w, end := t.work("inpaint", nil)
	made, err := inpaint.Build(ctx, c.filler(), inpaint.Options{Photos: c.Photos, CutOuts: c.CutOuts,
		Out: c.Out, Prompts: prompts, Seed: c.Seed, Longest: c.Longest, Quality: c.Quality, Limit: c.Limit,
		Progress: w.Progress, Say: func(line string) { t.say("%s", line) }})
	end()
	if err != nil {
		return goesOn(ctx, err, c.Out)
	}
	if c.JSON {
		return json.NewEncoder(t.out).Encode(made)
	}
	_, err = fmt.Fprintf(t.out,
		"%s: %d edits of %d photographs, %d of %d pixels edited (%.2f %%), %d left out\n",
		c.Out, made.Edits, made.Photographs, made.Edited, made.Pixels,
		100*float64(made.Edited)/float64(made.Pixels), made.LeftOut)
	return err
}

// filler is the server, or the heat equation.
func (c *InpaintCmd) filler() inpaint.Filler {
	if c.Server == "" {
		return inpaint.Heat{}
	}
	return &inpaint.WebUI{URL: c.Server, Negative: c.Negative, Sampler: c.Sampler, Steps: c.Steps,
		Denoise: c.Denoise, Client: &http.Client{Timeout: c.Timeout}, Tries: 5, Pause: 2 * time.Second}
}

// prompts are the lines of the file.
func (c *InpaintCmd) prompts() (out []string, err error) {
	if c.Prompts == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.Prompts)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out, nil
}
