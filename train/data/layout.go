package data

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// classFolders are the names that the folders of a class have: GenImage's, those of CNNDetection and
// UniversalFakeDetect, and the plain words.
var classFolders = map[string]int32{"ai": AI, "1_fake": AI, "fake": AI, "nature": Photograph,
	"0_real": Photograph, "real": Photograph}

// splitFolders are the names that the folders of a part have.
var splitFolders = map[string]string{Train: Train, Val: Val, Test: Test, "validation": Val}

// deepest is how many folders may lie between the root and the folders of the classes.
const deepest = 5

// findParts looks for the folders of classes, in order of their names. The folders on the way say the rest: a
// split by its name, the generator by the folder that the split lies in
// (Midjourney/imagenet_midjourney/train/ai) or, if that is the root, by the first one in it
// (test/progan/car/0_real). Pictures in no split count as train pictures, a seeded share of which is
// validated on.
func findParts(root string) ([]part, error) {
	var parts []part
	var look func(dir string, at part, depth int) error
	look = func(dir string, at part, depth int) error {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !isDir(dir, e) {
				continue
			}
			sub, name := filepath.Join(dir, e.Name()), strings.ToLower(e.Name())
			next := at
			next.dir = sub
			if label, ok := classFolders[name]; ok {
				next.label = label
				parts = append(parts, next.named(root))
				continue
			}
			if split, ok := splitFolders[name]; ok && at.split == "" {
				next.split = split
			} else if at.split == "" || at.generator == "" {
				next.generator = e.Name()
			}
			if depth < deepest {
				if err := look(sub, next, depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := look(root, part{}, 0); err != nil {
		return nil, fmt.Errorf("data set %s: %w", root, err)
	}
	return parts, nil
}

// named fills in what no folder said.
func (p part) named(root string) part {
	if p.split == "" {
		p.split = Train
		rel, err := filepath.Rel(root, p.dir)
		if first, _, below := strings.Cut(rel, string(filepath.Separator)); err == nil && below {
			p.generator = first
		}
	}
	if p.generator == "" {
		p.generator = filepath.Base(root)
	}
	return p
}

// isDir also follows a link to a folder.
func isDir(dir string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := os.Stat(filepath.Join(dir, e.Name()))
	return err == nil && info.IsDir()
}

// extensions are the endings of files that are taken for pictures; what they hold is told by content.
var extensions = []string{".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".avif", ".heic", ".heif"}

func isPictureName(name string) bool {
	return slices.Contains(extensions, strings.ToLower(filepath.Ext(name)))
}

// items lists the pictures of a part.
func (p part) items() ([]Item, error) {
	if p.listed {
		return p.list, nil
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return nil, fmt.Errorf("data set: %w", err)
	}
	out := make([]Item, 0, len(entries))
	for _, e := range entries {
		if !e.IsDir() && isPictureName(e.Name()) {
			out = append(out, Item{Path: filepath.Join(p.dir, e.Name()), Generator: p.generator,
				Label: p.label})
		}
	}
	return out, nil
}

// openFlat takes all pictures of a folder and of those in it for one class.
func openFlat(dir string, label int32) (*Collection, error) {
	p := part{dir: dir, split: Train, generator: filepath.Base(dir), label: label, listed: true}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && isPictureName(path) {
			p.list = append(p.list, Item{Path: path, Generator: p.generator, Label: label})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", dir, err)
	}
	return &Collection{Root: dir, parts: []part{p}}, nil
}
