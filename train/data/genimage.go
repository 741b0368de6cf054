// Package data finds labelled pictures in folders and feeds them to training: GenImage's layout, pictures with masks,
// a sampler whose order depends on a seed alone, and a loader that decodes ahead on every core.
package data

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"truegrain/kernels"
)

// The labels, in the order in which the data set's folders sort.
const (
	AI         int32 = 0 // folder "ai"
	Photograph int32 = 1 // folder "nature"
)

// Item is one labelled picture.
type Item struct {
	Path      string
	Generator string // the folder that the split lies in: "Midjourney"
	Label     int32
	Mask      string // of a partly generated picture: white is generated; empty for a whole one
}

// Set is an ordered list of labelled pictures.
type Set struct{ Items []Item }

// Options sets what of a folder becomes a set.
type Options struct {
	Limit int    // keep this many pictures, spread over the whole set; 0 keeps all
	Seed  uint64 // of the split, where the folder has none
}

// The parts of a set. All is every part that the folder has.
const (
	Train = "train"
	Val   = "val"
	Test  = "test"
	All   = "all"
)

// valShare is the part of a train folder that stands in for a missing val folder.
const valShare = 0.1

// ErrNoPictures says that a folder holds no picture where the layout has them.
var ErrNoPictures = errors.New("no pictures in …/{train,val}/{ai,nature}")

// OpenGenImage lists the pictures below root in GenImage's layout: {train,val,test}/{ai,nature} in root itself or up
// to three folders down (Midjourney/imagenet_midjourney/train/ai). Without a val folder, train and val are a seeded
// split of train, nine to one.
func OpenGenImage(root, split string, o Options) (*Set, error) {
	if !slices.Contains([]string{Train, Val, Test, All}, split) {
		return nil, fmt.Errorf("split %q: want train, val, test or all", split)
	}
	parts, err := findParts(root)
	if err != nil {
		return nil, err
	}
	s := &Set{}
	hasVal := slices.ContainsFunc(parts, func(p part) bool { return p.split == Val })
	for _, p := range parts {
		invented := split == Val && !hasVal && p.split == Train
		if p.split != split && split != All && !invented {
			continue
		}
		items, err := p.items()
		if err != nil {
			return nil, err
		}
		if !hasVal && p.split == Train && split != All {
			items = divide(items, split, o.Seed)
		}
		s.Items = append(s.Items, items...)
	}
	if len(s.Items) == 0 {
		return nil, fmt.Errorf("%s, part %s: %w", root, split, ErrNoPictures)
	}
	s.limit(o.Limit)
	return s, nil
}

// part is one folder SPLIT/{ai,nature}.
type part struct {
	dir, split, generator string
	label                 int32
}

// findParts looks for the layout's folders, in order of their names.
func findParts(root string) ([]part, error) {
	var parts []part
	var look func(dir, generator string, depth int) error
	look = func(dir, generator string, depth int) error {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			sub := filepath.Join(dir, e.Name())
			switch {
			case !e.IsDir():
			case e.Name() == Train || e.Name() == Val || e.Name() == Test:
				for label, name := range []string{"ai", "nature"} {
					if info, err := os.Stat(filepath.Join(sub, name)); err == nil && info.IsDir() {
						parts = append(parts, part{filepath.Join(sub, name), e.Name(), generator, int32(label)})
					}
				}
			case depth < 3:
				if err := look(sub, e.Name(), depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := look(root, filepath.Base(root), 0); err != nil {
		return nil, fmt.Errorf("data set %s: %w", root, err)
	}
	return parts, nil
}

// extensions are the endings of files that are taken for pictures; what they hold is told by content.
var extensions = []string{".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"}

func (p part) items() ([]Item, error) {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return nil, fmt.Errorf("data set: %w", err)
	}
	var out []Item
	for _, e := range entries {
		if !e.IsDir() && slices.Contains(extensions, strings.ToLower(filepath.Ext(e.Name()))) {
			out = append(out, Item{Path: filepath.Join(p.dir, e.Name()), Generator: p.generator, Label: p.label})
		}
	}
	return out, nil
}

// divide gives the train or the val part of a folder that is not divided itself.
func divide(items []Item, split string, seed uint64) []Item {
	order := Permutation(seed, 0, len(items))
	n := int(float64(len(items))*valShare + 0.5)
	if split == Val {
		order = order[:n]
	} else {
		order = order[n:]
	}
	slices.Sort(order)
	out := make([]Item, len(order))
	for i, k := range order {
		out[i] = items[k]
	}
	return out
}

// limit keeps n pictures, evenly spread.
func (s *Set) limit(n int) {
	if n <= 0 || n >= len(s.Items) {
		return
	}
	kept := make([]Item, n)
	for i := range kept {
		kept[i] = s.Items[i*len(s.Items)/n]
	}
	s.Items = kept
}

// First is the set's pictures of both classes in turn, at most n: a small set to overfit.
func (s *Set) First(n int) *Set {
	var byLabel [2][]Item
	for _, it := range s.Items {
		byLabel[it.Label] = append(byLabel[it.Label], it)
	}
	out := &Set{}
	for i := 0; len(out.Items) < n && (i < len(byLabel[0]) || i < len(byLabel[1])); i++ {
		for _, items := range byLabel {
			if i < len(items) && len(out.Items) < n {
				out.Items = append(out.Items, items[i])
			}
		}
	}
	return out
}

// Permutation is the numbers 0..n-1 in an order drawn from a seed and an epoch (Fisher & Yates).
func Permutation(seed uint64, epoch uint32, n int) []int {
	const node = 1
	order := make([]int, n)
	philox := kernels.NewPhilox(seed)
	for i := range order {
		order[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := int(uint64(philox.Word(epoch, node, uint64(i))) * uint64(i+1) >> 32)
		order[i], order[j] = order[j], order[i]
	}
	return order
}
