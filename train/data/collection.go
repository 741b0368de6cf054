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

// Collection is where labelled pictures lie: a folder, an index, or tar shards. What it lists is a set by
// part, generator and seed, whichever of the three it is.
type Collection struct {
	Root  string // what names are relative to
	parts []part
}

// part is the pictures of one class in one folder or one stretch of an index.
type part struct {
	dir, split, generator string
	label                 int32
	list                  []Item // already listed; nil: in dir
	listed                bool
}

// Open looks at what there is at a path, without listing the files of folders:
//
//	pictures/            a folder in a layout: {train,val,test}/{ai,nature}, generators/…, 0_real/1_fake
//	pictures/=nature     a folder whose pictures, at any depth, all have one label (ai or nature)
//	pictures/index.csv   what 'data index' wrote
//	shards/              tar shards, with or without an index.csv beside them
func Open(path string) (*Collection, error) {
	if dir, label, ok := labelled(path); ok {
		return openFlat(dir, label)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("data set %s: %w", path, ErrNotThere)
	case err != nil:
		return nil, fmt.Errorf("data set: %w", err)
	case strings.EqualFold(filepath.Ext(path), ".csv"):
		return readIndex(path)
	case info.IsDir():
		if shards := shardsIn(path); len(shards) > 0 {
			return openShards(path, shards)
		}
		parts, err := findParts(path)
		return &Collection{Root: path, parts: parts}, err
	case filepath.Ext(path) == ".tar":
		return scanShards(filepath.Dir(path), []string{path})
	}
	return nil, fmt.Errorf("data set %s: want a folder, an index (.csv) or a shard (.tar)", path)
}

// Root is what the names of a collection's pictures are relative to.
func Root(path string) string {
	if dir, _, ok := labelled(path); ok {
		return dir
	}
	if ext := strings.ToLower(filepath.Ext(path)); (ext == ".csv" || ext == ".tar") && isFile(path) {
		return filepath.Dir(path)
	}
	return path
}

// labelled parts "DIR=nature" into its folder and its label.
func labelled(path string) (dir string, label int32, ok bool) {
	for i, name := range LabelNames {
		if dir, ok := strings.CutSuffix(path, "="+name); ok {
			return dir, int32(i), true
		}
	}
	return path, 0, false
}

// OpenGenImage is the set of a part of the collection at root.
func OpenGenImage(root, split string, o Options) (*Set, error) {
	c, err := Open(root)
	if err != nil {
		return nil, err
	}
	return c.Part(split, o)
}

// Part is the train, val or test pictures, or all of them. Without a val part, or with a Validation share,
// train and val are a seeded split of every folder's train pictures, nine to one or by that share. Pictures
// that a list of damaged files names are left out and counted; those with masks are OpenMasks'.
func (c *Collection) Part(split string, o Options) (*Set, error) {
	if !slices.Contains([]string{Train, Val, Test, All}, split) {
		return nil, fmt.Errorf("split %q: want train, val, test or all", split)
	}
	parts := slices.DeleteFunc(slices.Clone(c.parts), part.masked)
	parts, err := ofGenerators(parts, o.Generators)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Root, err)
	}
	damaged, err := damagedIn(c.Root)
	if err != nil {
		return nil, err
	}
	from, share := source(parts, split, o)
	parts = slices.DeleteFunc(parts, func(p part) bool { return p.split != from && split != All })
	s := &Set{}
	lists, all, err := s.lists(parts, damaged)
	if err != nil {
		return nil, err
	}
	if share == 0 || split == Test || split == All {
		s.Items = slices.Concat(lists...)
	} else {
		if split == Val {
			all = int(float64(all)*share) + len(lists)
		}
		s.Items = make([]Item, 0, all) // each picture is copied once
		for _, items := range lists {
			s.Items = chosen(s.Items, items, divided(len(items), split, share, o.Seed))
		}
	}
	if len(s.Items) == 0 {
		return nil, fmt.Errorf("%s, part %s: %w", c.Root, split, ErrNoPictures)
	}
	return s.Limited(o.Limit, o.Seed), nil
}

// lists is the pictures of every part but the damaged ones, which it counts, and how many they are.
func (s *Set) lists(parts []part, damaged damagedList) (lists [][]Item, all int, err error) {
	for _, p := range parts {
		items, err := p.items()
		if err != nil {
			return nil, 0, err
		}
		if len(items) == 0 {
			return nil, 0, fmt.Errorf("%s: %w: fill it, or take the folder away", p.dir, ErrEmptyClass)
		}
		items, skipped := damaged.without(p, items)
		s.Skipped += skipped
		lists = append(lists, items)
		all += len(items)
	}
	return lists, all, nil
}

// source is the part to look in, and the share of the train pictures that is validated on, if that is it.
func source(parts []part, split string, o Options) (from string, share float64) {
	has := func(split string) bool {
		return slices.ContainsFunc(parts, func(p part) bool { return p.split == split })
	}
	if o.Validation > 0 || !has(Val) {
		share = cmp.Or(o.Validation, valShare)
	}
	switch {
	case split == Val && share > 0:
		return Train, share
	case split == Test && o.Validation > 0 && !has(Test):
		return Val, share
	}
	return split, share
}
