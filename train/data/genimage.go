// Package data finds labelled pictures in folders and feeds them to training: GenImage's layout, pictures
// with masks, a sampler whose order depends on a seed alone, and a loader that decodes ahead on every core.
package data

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
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
	Limit      int      // keep this many pictures, spread over the whole set; 0 keeps all
	Seed       uint64   // of the split, where the folder has none
	Generators []string // by name; none keeps all
	// Validation makes the val part this share of the train folder, even if there is a val folder. That one,
	// never seen in training then, stands in for a missing test folder.
	Validation float64
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

// OpenGenImage lists the pictures below root in GenImage's layout: {train,val,test}/{ai,nature} in root
// itself or up to three folders down (Midjourney/imagenet_midjourney/train/ai). Without a val folder, or with
// a Validation share, train and val are a seeded split of train, nine to one or by that share.
func OpenGenImage(root, split string, o Options) (*Set, error) {
	if !slices.Contains([]string{Train, Val, Test, All}, split) {
		return nil, fmt.Errorf("split %q: want train, val, test or all", split)
	}
	parts, err := findParts(root)
	if err != nil {
		return nil, err
	}
	if parts, err = ofGenerators(parts, o.Generators); err != nil {
		return nil, fmt.Errorf("%s: %w", root, err)
	}
	from, share := source(parts, split, o)
	s := &Set{}
	for _, p := range parts {
		if p.split != from && split != All {
			continue
		}
		items, err := p.items()
		if err != nil {
			return nil, err
		}
		if share > 0 && (split == Train || split == Val) {
			items = divide(items, split, share, o.Seed)
		}
		s.Items = append(s.Items, items...)
	}
	if len(s.Items) == 0 {
		return nil, fmt.Errorf("%s, part %s: %w", root, split, ErrNoPictures)
	}
	s.limit(o.Limit)
	return s, nil
}

// source is the folder to look in for a part, and the share of the train folder that is validated on, if that
// is it.
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
						parts = append(parts, part{filepath.Join(sub, name), e.Name(), generator,
							int32(label)})
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
			out = append(out, Item{Path: filepath.Join(p.dir, e.Name()), Generator: p.generator,
				Label: p.label})
		}
	}
	return out, nil
}

// divide gives the train or the val part of a folder, val being a share of it.
func divide[T any](items []T, split string, share float64, seed uint64) []T {
	order := Permutation(seed, 0, len(items))
	n := int(float64(len(items))*share + 0.5)
	if split == Val {
		order = order[:n]
	} else {
		order = order[n:]
	}
	slices.Sort(order)
	out := make([]T, len(order))
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

// Fingerprint tells sets apart: a SHA-256 over the names below root, labels and masks of all pictures, in
// order. What is in the files is not looked at.
func (s *Set) Fingerprint(root string) string {
	h := sha256.New()
	for _, it := range s.Items {
		path, err := filepath.Rel(root, it.Path)
		if err != nil {
			path = it.Path
		}
		fmt.Fprintf(h, "%s\t%d\t%t\n", filepath.ToSlash(path), it.Label, it.Mask != "")
	}
	return hex.EncodeToString(h.Sum(nil))
}
