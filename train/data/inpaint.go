package data

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maskGenerator is the generator that pictures with masks are said to be of.
const maskGenerator = "inpaint"

// masked says that a part's pictures come with masks.
func (p part) masked() bool { return p.generator == maskGenerator }

// OpenInpaint lists partly generated pictures with their masks: root/inpaint/SPLIT/pictures/NAME.* and
// root/inpaint/SPLIT/masks/NAME.png, white where a picture is generated. A folder that does not exist is an
// empty set; a picture without a mask is an error. An index and shards say themselves which pictures have
// masks.
func OpenInpaint(root, split string) (*Set, error) {
	if info, err := os.Stat(root); err == nil && info.IsDir() && len(shardsIn(root)) == 0 {
		items, err := inpaintFolder(root, split)
		return &Set{Items: items}, err
	}
	c, err := Open(root)
	if err != nil {
		return nil, err
	}
	s := &Set{}
	for _, p := range c.parts {
		for _, it := range p.list {
			if p.split == split && it.Mask != "" {
				s.Items = append(s.Items, it)
			}
		}
	}
	return s, nil
}

func inpaintFolder(root, split string) ([]Item, error) {
	dir := filepath.Join(root, "inpaint", split)
	entries, err := os.ReadDir(filepath.Join(dir, "pictures"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("data set: %w", err)
	}
	var items []Item
	for _, e := range entries {
		if e.IsDir() || !isPictureName(e.Name()) {
			continue
		}
		mask := filepath.Join(dir, "masks", strings.TrimSuffix(e.Name(), filepath.Ext(e.Name()))+".png")
		if _, err := os.Stat(mask); err != nil {
			return nil, fmt.Errorf("data set: %s has no mask: %w", filepath.Join(dir, "pictures", e.Name()),
				err)
		}
		items = append(items, Item{Path: filepath.Join(dir, "pictures", e.Name()), Generator: maskGenerator,
			Label: AI, Mask: mask})
	}
	return items, nil
}

// OpenMasks lists pictures with masks: those of OpenInpaint, or in folders of their own below root,
// SAMPLE/{edited,mask,original}.*, where the original is a photograph beside its edited twin. Those are
// divided into train and val by seed, nine to one or by o.Validation; twins stay together, and so do samples
// whose names differ in their last word alone (cat-object, cat-background).
func OpenMasks(root, split string, o Options) (*Set, error) {
	c, err := Open(root)
	if err != nil {
		return nil, err
	}
	if err := c.addMasks(); err != nil {
		return nil, err
	}
	parts := slices.DeleteFunc(slices.Clone(c.parts), func(p part) bool { return !p.masked() })
	divided := !slices.ContainsFunc(parts, func(p part) bool { return p.split != Train })
	s := &Set{}
	for _, p := range parts {
		if split == All || p.split == split || divided && split == Val {
			s.Items = append(s.Items, p.list...)
		}
	}
	if divided && split != All {
		share := cmp.Or(o.Validation, valShare)
		s.Items = slices.Concat(divide(families(s.Items), split, share, o.Seed)...)
	}
	if len(s.Items) == 0 {
		return nil, fmt.Errorf("%s, part %s: %w, and none with masks in inpaint/%s or SAMPLE/{edited,mask}",
			root, split, ErrNoPictures, split)
	}
	return s.Limited(o.Limit, o.Seed), nil
}

// families puts the pictures that are made of one photograph together.
func families(items []Item) (out [][]Item) {
	at := map[string]int{}
	for _, it := range items {
		family := familyOf(it.Path)
		k, ok := at[family]
		if !ok {
			k = len(out)
			at[family], out = k, append(out, nil)
		}
		out[k] = append(out[k], it)
	}
	return out
}

// pairs lists the samples in folders of their own below root.
func pairs(root string) (items []Item, err error) {
	samples, err := filepath.Glob(filepath.Join(globQuote(root), "*", "mask.*"))
	if err != nil {
		return nil, fmt.Errorf("data set: %w", err)
	}
	slices.Sort(samples)
	for _, mask := range samples {
		dir := filepath.Dir(mask)
		if strings.HasPrefix(filepath.Base(dir), ".") { // being made
			continue
		}
		edited, original := pictureCalled(dir, "edited"), pictureCalled(dir, "original")
		if edited == "" {
			return nil, fmt.Errorf("data set: %s has a mask and no edited.* that it belongs to", dir)
		}
		items = append(items, Item{Path: edited, Generator: maskGenerator, Label: AI, Mask: mask})
		if original != "" {
			items = append(items, Item{Path: original, Generator: maskGenerator, Label: Photograph})
		}
	}
	return items, nil
}

// The last words of the names of two samples that are made of one photograph.
const (
	objectEdited     = "-object"
	backgroundEdited = "-background"
)

// familyOf is the photograph that a picture was made of, by the name of its sample: that of its folder, or,
// in shards and beside folders of masks, its own.
func familyOf(path string) string {
	dir, name := filepath.Dir(path), filepath.Base(path)
	sample := strings.TrimSuffix(name, filepath.Ext(name))
	if sample == "edited" || sample == "original" {
		dir, sample = filepath.Dir(dir), filepath.Base(dir)
	} else if _, ok := classFolders[filepath.Base(dir)]; ok {
		dir = filepath.Dir(dir) // of both classes
	}
	for _, word := range []string{"-edited", "-original", objectEdited, backgroundEdited} {
		sample = strings.TrimSuffix(sample, word)
	}
	return filepath.Join(dir, sample)
}

// addMasks takes pictures with masks that lie in a folder into the collection, for an index of everything.
func (c *Collection) addMasks() error {
	if info, err := os.Stat(c.Root); err != nil || !info.IsDir() ||
		slices.ContainsFunc(c.parts, func(p part) bool { return p.listed }) {
		return nil // an index, shards or a flat folder: listed already
	}
	for _, split := range []string{Train, Val, Test} {
		items, err := inpaintFolder(c.Root, split)
		if err != nil {
			return err
		}
		if len(items) > 0 {
			c.parts = append(c.parts, part{dir: filepath.Join(c.Root, "inpaint", split), split: split,
				generator: maskGenerator, label: AI, list: items, listed: true})
		}
	}
	items, err := pairs(c.Root)
	for _, it := range items {
		c.add(part{dir: c.Root, split: Train, generator: maskGenerator, label: it.Label, listed: true}, it)
	}
	return err
}

// pictureCalled is the picture of that name in a folder, whatever its format, or "".
func pictureCalled(dir, name string) string {
	for _, ext := range extensions {
		if path := filepath.Join(dir, name+ext); isFile(path) {
			return path
		}
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
