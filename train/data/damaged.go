package data

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// knownDamaged are GenImage's files that no decoder reads, as the thesis lists them in its appendix B (they
// are also those of GenImage's own lists, but for the list of Stable Diffusion 1.5's photographs). Their
// names are unique in the whole of GenImage.
const knownDamaged = `116_biggan_00081 116_biggan_00094 116_biggan_00098 116_biggan_00107
033_sdv4_00134 033_sdv4_00137 033_sdv4_00152
115_adm_135 115_adm_141 115_adm_142 115_adm_154 115_adm_156 115_adm_164
GLIDE_1000_200_08_808_glide_00033
208_midjourney_76 208_midjourney_91 208_midjourney_92`

// damagedList names files to leave out: AI pictures by name, which tells their generator, photographs by
// generator, part and name, since every generator's folder has some of the same ones; and whole paths.
type damagedList struct{ keys, paths map[string]bool }

// listFolder is where GenImage keeps its lists; a copy of the folder beside the pictures is found.
const listFolder = "corrupted_files"

// damagedIn is the thesis' list and those of GenImage that lie below root: corrupted_files/*.txt or
// data/corrupted_files/*.txt, lines like ./imagenet_ai_0424_sdv5/train/nature/n03495258_20762.JPEG.
func damagedIn(root string) (damagedList, error) {
	d := damagedList{keys: map[string]bool{}, paths: map[string]bool{}}
	for _, name := range strings.Fields(knownDamaged) {
		d.keys["ai/"+strings.ToLower(name)] = true
	}
	for _, dir := range []string{listFolder, filepath.Join("data", listFolder)} {
		files, err := filepath.Glob(filepath.Join(globQuote(root), dir, "*.txt"))
		if err != nil {
			return d, fmt.Errorf("data set %s: %w", root, err)
		}
		for _, file := range files {
			if err := d.readList(file); err != nil {
				return d, err
			}
		}
	}
	return d, nil
}

// globQuote keeps the signs in a name from being patterns.
func globQuote(dir string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(dir)
}

// readList takes in one of GenImage's lists.
func (d damagedList) readList(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("list of damaged files: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		at := strings.Split(path.Clean(filepath.ToSlash(line)), "/")
		if len(at) < 4 {
			return fmt.Errorf("%s:%d: %q is no line of GenImage's lists: want FOLDER/train/{ai,nature}/NAME",
				file, n, line)
		}
		at = at[len(at)-4:]
		label, ok := classFolders[strings.ToLower(at[2])]
		if !ok {
			return fmt.Errorf("%s:%d: %q is the folder of no class: want ai or nature", file, n, at[2])
		}
		name := strings.TrimSuffix(at[3], path.Ext(at[3]))
		d.keys[keyPrefix(part{generator: at[0], split: at[1], label: label})+strings.ToLower(name)] = true
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("list of damaged files %s: %w", file, err)
	}
	return nil
}

// exclude takes in a list of paths, a line or the first column of a CSV file each: what 'data check' wrote.
func (d damagedList) exclude(file, root string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("list of files to leave out: %w", err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord, r.Comment, r.LazyQuotes = -1, '#', true
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list of files to leave out %s: %w", file, err)
		}
		if !filepath.IsAbs(row[0]) {
			row[0] = filepath.Join(root, filepath.FromSlash(row[0]))
		}
		d.paths[row[0]] = true
	}
}

// keyPrefix is what stands before the names of a part's files in a list's keys.
func keyPrefix(p part) string {
	if p.label == AI {
		return "ai/"
	}
	return GeneratorOf(p.generator) + "/" + p.split + "/nature/"
}

// without leaves out what is listed and says how many that were.
func (d damagedList) without(p part, items []Item) (kept []Item, skipped int) {
	key := []byte(keyPrefix(p))
	prefix := len(key)
	for i := range items {
		name := items[i].Path[strings.LastIndexAny(items[i].Path, `/\`)+1:]
		key = key[:prefix]
		for _, c := range []byte(name[:len(name)-len(path.Ext(name))]) {
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			key = append(key, c)
		}
		if d.keys[string(key)] || len(d.paths) > 0 && d.paths[items[i].Path] {
			if skipped == 0 {
				kept = append(make([]Item, 0, len(items)), items[:i]...)
			}
			skipped++
		} else if skipped > 0 {
			kept = append(kept, items[i])
		}
	}
	if skipped == 0 {
		return items, 0
	}
	return kept, skipped
}

// Without leaves out the pictures that files name, each a list of paths below root.
func (s *Set) Without(root string, lists []string) (*Set, error) {
	d := damagedList{paths: map[string]bool{}}
	for _, file := range lists {
		if err := d.exclude(file, root); err != nil {
			return nil, err
		}
	}
	items, skipped := d.without(part{}, s.Items)
	return &Set{Items: items, Skipped: s.Skipped + skipped}, nil
}
