// Package data finds labelled pictures and feeds them to training: folders in the layouts of the field's data
// sets, an index of them, tar shards; a sampler whose order depends on a seed alone, and a loader that
// decodes ahead on every core.
package data

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"truegrain/kernels"
)

// The labels, in the order in which GenImage's folders sort.
const (
	AI         int32 = 0 // folder "ai"
	Photograph int32 = 1 // folder "nature"
)

// LabelNames are the labels as files say them.
var LabelNames = [2]string{"ai", "nature"}

// Set is an ordered list of labelled pictures.
type Set struct {
	Items   []Item
	Skipped int // pictures left out because a list of damaged ones names them
}

// Options sets what of a collection becomes a set.
type Options struct {
	Limit      int      // keep this many pictures (Set.Limited); 0 keeps all
	Seed       uint64   // of the limit, and of the split where the collection has none
	Generators []string // by name; none keeps all
	// Validation makes the val part this share of the train part, even if there is a val part. That one,
	// never seen in training then, stands in for a missing test part.
	Validation float64
}

// The parts of a set. All is every part there is.
const (
	Train = "train"
	Val   = "val"
	Test  = "test"
	All   = "all"
)

// valShare is the part of the train pictures that stands in for a missing val part.
const valShare = 0.1

// What can be wrong with a folder as a whole.
var (
	ErrNoPictures = errors.New("no pictures in …/{train,val}/{ai,nature}")
	ErrNotThere   = error(notThere{})
	ErrEmptyClass = errors.New("the folder of a class has no pictures")
)

// notThere is os.ErrNotExist in the words of data sets.
type notThere struct{}

func (notThere) Error() string        { return "there is no such folder, index or shard" }
func (notThere) Is(target error) bool { return target == os.ErrNotExist }

// divide gives the train or the val part of a folder, val being a share of it.
func divide[T any](items []T, split string, share float64, seed uint64) []T {
	return chosen(nil, items, divided(len(items), split, share, seed))
}

// chosen appends those of the items that order names.
func chosen[T any](to, items []T, order []int) []T {
	to = slices.Grow(to, len(order))
	for _, k := range order {
		to = append(to, items[k])
	}
	return to
}

// divided are the places of a part's items among n, in order.
func divided(n int, split string, share float64, seed uint64) []int {
	order := Permutation(seed, 0, n)
	n = int(float64(n)*share + 0.5)
	if split == Val {
		order = order[:n]
	} else {
		order = order[n:]
	}
	slices.Sort(order)
	return order
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
	below := filepath.Clean(root) + string(filepath.Separator)
	var line []byte
	for _, it := range s.Items {
		path, inside := strings.CutPrefix(it.Path, below)
		if !inside {
			if rel, err := filepath.Rel(root, it.Path); err == nil {
				path = rel
			}
		}
		line = append(line, filepath.ToSlash(path)...)
		line = append(line, '\t', byte('0'+it.Label), '\t')
		if it.Mask != "" {
			line = append(line, "true\n"...)
		} else {
			line = append(line, "false\n"...)
		}
		if len(line) > 1<<16 {
			h.Write(line)
			line = line[:0]
		}
	}
	h.Write(line)
	return hex.EncodeToString(h.Sum(nil))
}
