package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"truegrain/tensor/picture"
)

// Work says how long work over many pictures goes on.
type Work struct {
	// Exclude names files with paths to leave out: what 'data check' wrote.
	Exclude []string
	// Progress is called after every picture, from one goroutine; nil is quiet.
	Progress func(done, total int)
}

// entry is a picture and the part that it is of.
type entry struct {
	Item
	split string
}

// entries lists all pictures of a collection but those that are known to be damaged or excluded.
func (c *Collection) entries(exclude []string) (all []entry, skipped int, err error) {
	damaged, err := damagedIn(c.Root)
	if err != nil {
		return nil, 0, err
	}
	for _, file := range exclude {
		if err := damaged.exclude(file, c.Root); err != nil {
			return nil, 0, err
		}
	}
	for _, p := range c.parts {
		items, err := p.items()
		if err != nil {
			return nil, 0, err
		}
		if len(items) == 0 {
			return nil, 0, fmt.Errorf("%s: %w: fill it, or take the folder away", p.dir, ErrEmptyClass)
		}
		items, n := damaged.without(p, items)
		skipped += n
		for _, it := range items {
			all = append(all, entry{it, p.split})
		}
	}
	if len(all) == 0 {
		return nil, skipped, fmt.Errorf("%s: %w", c.Root, ErrNoPictures)
	}
	return all, skipped, nil
}

// entriesOf lists all pictures of several collections.
func entriesOf(sources, exclude []string) (all []entry, skipped int, err error) {
	for _, source := range sources {
		c, err := Open(source)
		if err != nil {
			return nil, 0, err
		}
		if err := c.addMasks(); err != nil {
			return nil, 0, err
		}
		more, n, err := c.entries(exclude)
		if err != nil {
			return nil, 0, err
		}
		all, skipped = append(all, more...), skipped+n
	}
	return all, skipped, nil
}

// keyOf tells lists of pictures apart.
func keyOf(all []entry) string {
	h := sha256.New()
	for i := range all {
		fmt.Fprintf(h, "%s\t%s\t%d\t%s\n", all[i].Path, all[i].split, all[i].Label, all[i].Mask)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// WriteIndex writes the index of some collections, and says how many pictures it has and how many were left
// out. What of them can't be opened as a picture has no size in it; 'data check' tells why. Interrupted, it
// goes on where it was.
func WriteIndex(ctx context.Context, path string, sources []string, w Work) (pictures, skipped int,
	err error) {
	all, skipped, err := entriesOf(sources, w.Exclude)
	if err != nil {
		return 0, 0, err
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return 0, 0, fmt.Errorf("index: %w", err)
	}
	for i := range all {
		if strings.ContainsAny(all[i].Path+all[i].Mask, lineBreaks) {
			return 0, 0, fmt.Errorf("index: the name %q has a line break: rename it", all[i].Path)
		}
	}
	l := list{path: path, key: keyOf(all), header: indexHeader + "\n", end: indexEnd, n: len(all),
		saw: w.Progress}
	err = l.write(ctx, func(i int) string { return indexLine(dir, &all[i]) })
	return len(all), skipped, err
}

// indexLine is a picture's line.
func indexLine(dir string, e *entry) string {
	var cells [columns]string
	cells[colPath] = fromDir(dir, e.Path)
	cells[colSplit], cells[colLabel], cells[colGenerator] = e.split, LabelNames[e.Label], e.Generator
	size := int64(0)
	if facts, n, err := e.Facts(); err == nil {
		cells[colFormat] = facts.Format
		cells[colWidth], cells[colHeight] = strconv.Itoa(facts.W), strconv.Itoa(facts.H)
		size = n
	}
	if e.shard != nil {
		cells[colOffset] = strconv.FormatInt(e.span.at, 10)
		size = e.span.n
	}
	cells[colBytes] = strconv.FormatInt(size, 10)
	if e.Mask != "" {
		cells[colMask] = fromDir(dir, e.Mask)
		if e.shard != nil {
			if s, ok := e.shard.masks[e.Mask]; ok {
				cells[colMaskOffset] = strconv.FormatInt(s.at, 10)
				cells[colMaskBytes] = strconv.FormatInt(s.n, 10)
			}
		}
	}
	return csvLine(cells[:]...)
}

// fromDir is a path as seen from a folder if it lies inside, else an absolute one.
func fromDir(dir, path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return filepath.ToSlash(path)
	}
	if rel, err := filepath.Rel(dir, abs); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(abs)
}

// headBytes is how much of a file is read for its facts, nearly always.
const headBytes = 64 << 10

// Facts is what the picture's file, or the file that it is shown as, says beside its pixels, and how large it
// is. Errors are *picture.Error.
func (it *Item) Facts() (*picture.Facts, int64, error) {
	if it.Show.Quality > 0 {
		src, err := it.shown()
		if err != nil {
			return nil, 0, err
		}
		facts, err := picture.FactsOf(src)
		return facts, int64(len(src)), err
	}
	head, size, err := it.head()
	if err != nil {
		return nil, 0, err
	}
	facts, err := picture.FactsOf(head)
	if err != nil && int64(len(head)) < size {
		var whole []byte
		if whole, err = it.Bytes(); err == nil {
			facts, err = picture.FactsOf(whole)
		}
	}
	return facts, size, picture.InFile(it.Path, err)
}

// head is the beginning of the picture's file, and the size of the whole.
func (it *Item) head() ([]byte, int64, error) {
	if it.shard != nil {
		b, err := it.shard.read(it.Path, span{it.span.at, min(it.span.n, headBytes)})
		return b, it.span.n, err
	}
	if _, _, inside := splitShard(it.Path); inside {
		b, err := ReadFile(it.Path)
		return b, int64(len(b)), err
	}
	info, err := os.Stat(it.Path)
	if err != nil {
		return nil, 0, picture.InFile(it.Path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, &picture.Error{File: it.Path, Reason: "not a regular file",
			Err: picture.ErrUnsupported}
	}
	f, err := os.Open(it.Path)
	if err != nil {
		return nil, 0, picture.InFile(it.Path, err)
	}
	defer f.Close()
	b := make([]byte, min(info.Size(), headBytes))
	n, err := f.ReadAt(b, 0)
	if n == len(b) {
		err = nil
	}
	return b[:n], info.Size(), picture.InFile(it.Path, err)
}
