// Package synth renders a small synthetic data set to learn and to test with: photographs are scenes seen
// through a model of a camera, AI pictures are the same kind of scenes through the fingerprints of
// generators. Both classes have the same sizes and encoders, drawn in pairs, so that neither tells them
// apart.
//
// It stands for no real camera and no real generator: a detector that tells these classes apart has learned
// these fingerprints and nothing else.
package synth

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"

	"truegrain/nn/state"
)

// Splits are the parts of the set.
var Splits = []string{"train", "val", "test"}

// Options sets what is made. Counts are pictures of each class for each seen generator, by split; the
// generator that is held out has pictures in test alone.
type Options struct {
	Seed             uint64
	Train, Val, Test int
	// Progress is called after every picture, from one goroutine at a time; nil is quiet.
	Progress func(done, total int)
}

// Row is one picture of the set, a line of MANIFEST.csv.
type Row struct {
	File, Label, Generator, Split string
	Seed                          uint64
}

// job is one file to make: a photograph, a generated picture, or a composite of both with its mask.
type job struct {
	Row
	kind  kind
	index int // of its pair: both classes of a pair share size and encoder
}

type kind int

const (
	nature kind = iota
	ai
	composite
)

// Make writes the set below dir in GenImage's layout, GENERATOR/{train,val,test}/{ai,nature}, composites
// under inpaint/{train,val,test}/{pictures,masks}, and MANIFEST.csv. The same options give the same bytes.
func Make(ctx context.Context, dir string, o Options) ([]Row, error) {
	if min(o.Train, o.Val, o.Test) < 0 || o.Train+o.Val+o.Test == 0 {
		return nil, fmt.Errorf("synth: %d, %d and %d pictures in train, val and test; want some and none "+
			"negative", o.Train, o.Val, o.Test)
	}
	jobs := plan(o)
	for _, j := range jobs {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, j.File)), 0o755); err != nil {
			return nil, fmt.Errorf("synth: %w", err)
		}
		if j.kind == composite {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, maskOf(j.File))), 0o755); err != nil {
				return nil, fmt.Errorf("synth: %w", err)
			}
		}
	}
	if err := render(ctx, dir, jobs, o); err != nil {
		return nil, err
	}
	rows := make([]Row, len(jobs))
	for i, j := range jobs {
		rows[i] = j.Row
	}
	return rows, writeManifest(filepath.Join(dir, "MANIFEST.csv"), rows)
}

// plan lists every file in a fixed order.
func plan(o Options) []job {
	counts := map[string]int{"train": o.Train, "val": o.Val, "test": o.Test}
	var jobs []job
	for g, gen := range Generators {
		for s, split := range Splits {
			if gen.HeldOut && split != "test" {
				continue
			}
			for i := range counts[split] {
				index := (g*len(Splits)+s)<<24 | i
				for k, label := range []string{"nature", "ai"} {
					name := fmt.Sprintf("%s/%s/%s/%s_%05d", gen.Name, split, label, gen.Name, i)
					jobs = append(jobs, job{Row{File: name, Label: label, Generator: gen.Name, Split: split,
						Seed: o.Seed}, kind(k), index})
				}
			}
			if gen.HeldOut {
				continue
			}
			for i := range (counts[split] + 3) / 4 {
				index := (g*len(Splits)+s)<<24 | 1<<23 | i
				name := fmt.Sprintf("inpaint/%s/pictures/%s_%05d", split, gen.Name, i)
				jobs = append(jobs, job{Row{File: name, Label: "composite", Generator: gen.Name, Split: split,
					Seed: o.Seed}, composite, index})
			}
		}
	}
	for i := range jobs {
		jobs[i].File += encoderOf(o.Seed, jobs[i].index).ext()
	}
	return jobs
}

// render makes all files on every core.
func render(ctx context.Context, dir string, jobs []job, o Options) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var wg sync.WaitGroup
	next, done := 0, 0
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for ctx.Err() == nil {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(jobs) {
					return
				}
				if err := jobs[i].write(dir, o.Seed); err != nil {
					cancel(fmt.Errorf("synth: %w", err))
					return
				}
				mu.Lock()
				done++
				if o.Progress != nil {
					o.Progress(done, len(jobs))
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// write renders and encodes one file, and the mask of a composite.
func (j job) write(dir string, seed uint64) error {
	enc := encoderOf(seed, j.index)
	pixels, mask := j.draw(seed, enc.w, enc.h)
	if err := enc.write(filepath.Join(dir, j.File), pixels); err != nil {
		return err
	}
	if mask == nil {
		return nil
	}
	return writeMask(filepath.Join(dir, maskOf(j.File)), mask, enc.w, enc.h)
}

// draw is the pixels of one file, 8-bit RGB, and the mask of a composite.
func (j job) draw(seed uint64, w, h int) (pixels []uint8, mask []float32) {
	r := newRand(seed, uint32(j.index), uint32(j.kind))
	return j.seen(r, drawScene(r, w, h))
}

// seen is a scene as a file shows it: through a camera, through a generator, or in part through either.
func (j job) seen(r *rand, scene *image) (pixels []uint8, mask []float32) {
	w, h := scene.w, scene.h
	gen := Generators[(j.index>>24)/len(Splits)]
	switch j.kind {
	case nature:
		return photograph(r, scene).bytes(), nil
	case ai:
		return generated(r, scene, gen).bytes(), nil
	}
	photo, fake := photograph(r, scene.clone()), generated(r, scene, gen)
	mask = drawMask(r, w, h)
	for c := range photo.c {
		for i, m := range mask {
			photo.c[c][i] += m * (fake.c[c][i] - photo.c[c][i])
		}
	}
	return photo.bytes(), mask
}

// maskOf is where a composite's mask lies.
func maskOf(file string) string {
	dir, name := filepath.Split(file)
	return filepath.Join(filepath.Dir(filepath.Clean(dir)), "masks",
		name[:len(name)-len(filepath.Ext(name))]+".png")
}

func writeManifest(path string, rows []Row) error {
	return state.Atomic(path, func(w io.Writer) error {
		c := csv.NewWriter(w)
		err := c.Write([]string{"file", "label", "generator", "split", "seed"})
		for _, r := range rows {
			err = errors.Join(err, c.Write([]string{r.File, r.Label, r.Generator, r.Split,
				strconv.FormatUint(r.Seed, 10)}))
		}
		c.Flush()
		return errors.Join(err, c.Error())
	})
}
