package main

import (
	"context"
	"fmt"
	"path"
	"time"

	"truegrain/nn/state/store"
)

// storeFlag is where weight files of others are kept.
type storeFlag struct {
	Store string `env:"TRUEGRAIN_STORE" placeholder:"DIR" help:"Folder of imported weights (default: truegrain/weights in the user's cache folder)."`
}

func (s storeFlag) open() (store.Store, error) {
	if s.Store != "" {
		return store.Store{Dir: s.Store}, nil
	}
	return store.Default()
}

// WeightsImportCmd copies published weight files that the user has into the store.
type WeightsImportCmd struct {
	Files  []string `arg:"" name:"file" type:"existingfile" help:"Weight files under their published names, such as resnet50-11ad3fa6.pth: the digits are the beginning of the SHA-256."`
	SHA256 string   `name:"sha256" placeholder:"HEX" help:"The file's SHA-256, if its name has no digits of it."`
	storeFlag
}

// Run imports the files one after the other.
func (c *WeightsImportCmd) Run(t *terminal) error {
	if c.SHA256 != "" && len(c.Files) > 1 {
		return usagef("--sha256 goes with one file, not with %d", len(c.Files))
	}
	s, err := c.open()
	if err != nil {
		return err
	}
	for _, f := range c.Files {
		got, err := s.Import(f, c.SHA256)
		if err != nil {
			return err
		}
		tellStored(t, got)
	}
	return nil
}

// WeightsPullCmd fetches a weight file.
type WeightsPullCmd struct {
	URL    string `arg:"" help:"http or https address of a .pth, .pt or .safetensors file."`
	SHA256 string `name:"sha256" placeholder:"HEX" help:"The file's SHA-256, if its name has no digits of it."`
	storeFlag
}

// Run fetches the file, with a bar in megabytes.
func (c *WeightsPullCmd) Run(ctx context.Context, t *terminal) error {
	s, err := c.open()
	if err != nil {
		return err
	}
	var bar *progress
	got, err := s.Pull(ctx, store.Pull{URL: c.URL, Known: c.SHA256, Progress: func(done, total int64) {
		if bar == nil {
			bar = t.progress("pull "+path.Base(c.URL)+", MB", int(max(total, 0)/1e6))
		}
		bar.at(int(done/1e6), "")
	}, Waiting: func(why error, pause time.Duration) { t.say("%v; trying again in %v", why, pause) }})
	if bar != nil {
		bar.end()
	}
	if err != nil {
		return err
	}
	tellStored(t, got)
	return nil
}

// tellStored prints the place of a file and says what was checked.
func tellStored(t *terminal, s *store.Stored) {
	how := "its SHA-256 is the one that was wanted"
	if !s.Checked {
		how = "nothing said what its SHA-256 should be: it is " + s.SHA256
	}
	if s.Already {
		how = "it was there already, " + how
	}
	t.say("%.1f MB, %s", float64(s.Bytes)/1e6, how)
	fmt.Fprintln(t.out, s.Path)
}
