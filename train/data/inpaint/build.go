// Package inpaint makes sets of partly edited photographs with masks of what was edited. Each photograph with
// a cut-out is edited twice, once inside the object and once outside of it, so that over the set exactly half
// of all pixels are edited. Pixels that are not edited are those of the photograph, whatever came back from
// the generator, and original and edited picture are written by one encoder at one quality.
package inpaint

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"truegrain/nn/state"
	"truegrain/tensor/picture"
)

// Job is one picture to fill.
type Job struct {
	Picture *picture.Picture
	Mask    *Mask
	Prompt  string
	Seed    int64
}

// Filler edits what the mask says. What it does to other pixels is not used.
type Filler interface {
	Fill(ctx context.Context, job Job) (*picture.Picture, error)
}

// Options sets what is made.
type Options struct {
	Photos, CutOuts string   // folders; a cut-out is a PNG with the name of its photograph
	Out             string   // folder of the set: NAME-{object,background}/{original,edited,mask}.*
	Prompts         []string // one is drawn for each edit, unless NAME.txt beside the photograph has one
	Seed            uint64
	// Longest is the longest side; larger photographs are scaled down to it. Sides are cut to a multiple of
	// 8, as generators want them.
	Longest int
	Quality int // of JPEG; 0 writes PNG
	Limit   int // photographs; 0 takes all
	// Progress is called after every photograph; Say with what was left out.
	Progress func(done, total int)
	Say      func(line string)
}

// Made is what a set came to.
type Made struct {
	Photographs int   `json:"photographs"`
	Edits       int   `json:"edits"`
	LeftOut     int   `json:"left_out"` // photographs without a cut-out that fits
	Edited      int64 `json:"edited_pixels"`
	Pixels      int64 `json:"pixels"`
}

var (
	errNoCutOut = errors.New("the cut-out has no transparent or no opaque pixel")
	// errLeftOut is a photograph that the set goes without.
	errLeftOut = errors.New("left out")
)

// Build makes the set. A sample's folder is renamed into its place when it is whole, so that interrupted work
// goes on with the samples that are missing and ends with the same files.
func Build(ctx context.Context, f Filler, o Options) (*Made, error) {
	names, err := o.photographs()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return nil, fmt.Errorf("inpaint: %w", err)
	}
	m := &Made{}
	for i, name := range names {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		err := o.photograph(ctx, f, name, m)
		switch {
		case errors.Is(err, errLeftOut):
			m.LeftOut++
			if o.Say != nil {
				o.Say(err.Error())
			}
		case err != nil:
			return nil, fmt.Errorf("inpaint %s: %w", filepath.Join(o.Photos, name), err)
		default:
			m.Photographs++
		}
		if o.Progress != nil {
			o.Progress(i+1, len(names))
		}
	}
	if m.Photographs == 0 {
		return nil, fmt.Errorf("inpaint: none of the %d photographs in %s has a cut-out of its size in %s",
			len(names), o.Photos, o.CutOuts)
	}
	return m, nil
}

// photographs lists the files that have a cut-out, in order.
func (o *Options) photographs() ([]string, error) {
	entries, err := os.ReadDir(o.Photos)
	if err != nil {
		return nil, fmt.Errorf("inpaint: %w", err)
	}
	var names []string
	stems := map[string]string{}
	for _, e := range entries {
		ext := strings.ToLower(filepath.Ext(e.Name()))
		if e.IsDir() || !slices.Contains([]string{".jpg", ".jpeg", ".png", ".webp", ".bmp"}, ext) {
			continue
		}
		if other, ok := stems[stem(e.Name())]; ok {
			return nil, fmt.Errorf("inpaint: %s and %s in %s would have samples of one name: rename one",
				other, e.Name(), o.Photos)
		}
		stems[stem(e.Name())] = e.Name()
		names = append(names, e.Name())
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("inpaint: no pictures in %s", o.Photos)
	}
	if o.Limit > 0 {
		names = names[:min(o.Limit, len(names))]
	}
	return names, nil
}

func stem(name string) string { return strings.TrimSuffix(name, filepath.Ext(name)) }

// photograph makes both edits of one photograph.
func (o *Options) photograph(ctx context.Context, f Filler, name string, m *Made) error {
	p, mask, err := o.read(name)
	if err != nil {
		return fmt.Errorf("%w: %w", errLeftOut, err)
	}
	prompt, err := o.prompt(name)
	if err != nil {
		return err
	}
	for k, mask := range []*Mask{mask, mask.Inverted()} {
		sample := stem(name) + []string{"-object", "-background"}[k] // data.OpenMasks keeps them together
		dir := filepath.Join(o.Out, sample)
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			job := Job{p, mask, prompt, int64(o.draw(sample) >> 33)}
			edited, err := f.Fill(ctx, job)
			if err != nil {
				return err
			}
			if err := o.write(dir, p, composite(p, edited, mask), mask); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		m.Edits++
		m.Edited += int64(mask.Count())
		m.Pixels += int64(len(mask.On))
	}
	return nil
}

// read decodes a photograph and its cut-out and brings both to the size of the set.
func (o *Options) read(name string) (*picture.Picture, *Mask, error) {
	p, err := picture.Open(filepath.Join(o.Photos, name))
	if err != nil {
		return nil, nil, err
	}
	path := filepath.Join(o.CutOuts, stem(name)+".png")
	mask, err := cutOut(path)
	if err != nil {
		return nil, nil, err
	}
	if mask.W != p.W || mask.H != p.H {
		return nil, nil, fmt.Errorf("%s has %d × %d pixels, its photograph %d × %d", path, mask.W,
			mask.H, p.W, p.H)
	}
	w, h := p.W, p.H
	if longest := max(w, h); o.Longest > 0 && longest > o.Longest {
		w, h = max(1, w*o.Longest/longest), max(1, h*o.Longest/longest)
	}
	p, mask = p.Resize(w, h), mask.fit(w, h)
	cw, ch := w/8*8, h/8*8
	if cw == 0 || ch == 0 {
		return nil, nil, fmt.Errorf("%s: %d × %d pixels are too few", name, w, h)
	}
	cut := &Mask{cw, ch, make([]bool, 0, cw*ch)}
	for y := range ch {
		cut.On = append(cut.On, mask.On[y*w:][:cw]...)
	}
	if n := cut.Count(); n == 0 || n == len(cut.On) {
		return nil, nil, fmt.Errorf("%s: %w", path, errNoCutOut)
	}
	return p.Crop(0, 0, cw, ch), cut, nil
}

// prompt is the photograph's own, or one of the list.
func (o *Options) prompt(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(o.Photos, stem(name)+".txt"))
	switch {
	case err == nil:
		return strings.TrimSpace(string(text)), nil
	case !errors.Is(err, os.ErrNotExist):
		return "", err
	case len(o.Prompts) == 0:
		return "", nil
	}
	return o.Prompts[o.draw("prompt "+name)%uint64(len(o.Prompts))], nil
}

// draw is a random number for a name.
func (o *Options) draw(name string) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", o.Seed, name))
	return binary.LittleEndian.Uint64(sum[:])
}

// write puts a sample's folder in its place.
func (o *Options) write(dir string, original, edited *picture.Picture, m *Mask) error {
	tmp := filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".part")
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	mask, err := m.png()
	if err != nil {
		return err
	}
	files := map[string][]byte{"mask.png": mask}
	for name, p := range map[string]*picture.Picture{"original": original, "edited": edited} {
		src, ext, err := o.encode(p)
		if err != nil {
			return err
		}
		files[name+ext] = src
	}
	for name, src := range files {
		err := state.Atomic(filepath.Join(tmp, name), func(w io.Writer) error {
			_, err := w.Write(src)
			return err
		})
		if err != nil {
			return err
		}
	}
	return os.Rename(tmp, dir)
}

func (o *Options) encode(p *picture.Picture) (src []byte, ext string, err error) {
	var buf bytes.Buffer
	if o.Quality == 0 {
		err = png.Encode(&buf, p.Image())
		return buf.Bytes(), ".png", err
	}
	err = jpeg.Encode(&buf, p.Image(), &jpeg.Options{Quality: o.Quality})
	return buf.Bytes(), ".jpg", err
}
