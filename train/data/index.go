package data

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// An index is a CSV file of all pictures of a collection in order, so that a set of millions opens in
// seconds: a header, a line for each picture, and a last line that says how many there are. Paths are
// relative to the index's folder, or absolute. A member of a shard has the place of its bytes.
const (
	indexName   = "index.csv"
	indexHeader = "path,split,label,generator,format,width,height,bytes,offset,mask,mask_offset,mask_bytes"
)

// The columns.
const (
	colPath = iota
	colSplit
	colLabel
	colGenerator
	colFormat
	colWidth
	colHeight
	colBytes
	colOffset
	colMask
	colMaskOffset
	colMaskBytes
	columns
)

// indexEnd is the last line.
func indexEnd(n int) string { return fmt.Sprintf("#%d pictures\n", n) }

// indexReader reads an index in one pass. Paths are cut out of large blocks, and lists are allocated once: a
// picture costs some 180 bytes.
type indexReader struct {
	file   string
	root   string
	line   int
	block  strings.Builder // of paths
	names  map[string]string
	shards map[string]*shard
	c      *Collection
	all    []Item
	cells  [columns][]byte // of the line
}

// readIndex reads an index. Every mistake is named with its line.
func readIndex(path string) (*Collection, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	defer f.Close()
	lines, err := countLines(f)
	if err != nil {
		return nil, fmt.Errorf("index %s: %w", path, err)
	}
	root := filepath.Dir(path)
	r := &indexReader{file: path, root: root, names: map[string]string{}, shards: map[string]*shard{},
		c: &Collection{Root: root}, all: make([]Item, 0, lines)}
	return r.c, r.read(f)
}

// countLines counts and goes back to the beginning.
func countLines(f io.ReadSeeker) (n int, err error) {
	buf := make([]byte, 1<<20)
	for {
		k, err := f.Read(buf)
		n += bytes.Count(buf[:k], []byte{'\n'})
		if errors.Is(err, io.EOF) {
			_, err = f.Seek(0, io.SeekStart)
			return n, err
		}
		if err != nil {
			return n, err
		}
	}
}

// read goes through the lines, a megabyte of them at a time.
func (r *indexReader) read(f io.Reader) error {
	buf, kept, ended := make([]byte, 1<<20), 0, false
	for {
		n, err := f.Read(buf[kept:])
		chunk := buf[:kept+n]
		for {
			i := bytes.IndexByte(chunk, '\n')
			if i < 0 {
				break
			}
			if ended {
				return r.fault("there is something behind the last line")
			}
			r.line++
			end, err := r.take(bytes.TrimSuffix(chunk[:i], []byte{'\r'}))
			if err != nil {
				return err
			}
			ended, chunk = end, chunk[i+1:]
		}
		kept = copy(buf, chunk)
		switch {
		case errors.Is(err, io.EOF) && kept > 0:
			r.line++
			return r.fault("the line is cut short: make the index anew with 'truegrain data index'")
		case errors.Is(err, io.EOF) && !ended:
			r.line++
			return r.fault("the index is cut short: the last line must say how many pictures there are; " +
				"make it anew with 'truegrain data index'")
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("index %s: %w", r.file, err)
		case kept == len(buf):
			return r.fault("the line is longer than %d bytes", len(buf))
		}
	}
}

func (r *indexReader) fault(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", r.file, r.line, fmt.Sprintf(format, args...))
}

// take reads one line and says whether it was the last.
func (r *indexReader) take(line []byte) (end bool, err error) {
	switch {
	case r.line == 1:
		if string(line) != indexHeader {
			return false, r.fault("not an index: the first line must be %s", indexHeader)
		}
		return false, nil
	case len(line) > 0 && line[0] == '#' && !bytes.ContainsRune(line, ','):
		if string(line)+"\n" != indexEnd(len(r.all)) {
			return true, r.fault("%q, but there are %d lines of pictures above: lines are missing",
				line, len(r.all))
		}
		return true, nil
	}
	if err := r.part(line); err != nil {
		return false, err
	}
	return false, r.picture(&r.cells)
}

// part parts a line into its cells at its commas; one with quotes is read by the book.
func (r *indexReader) part(line []byte) error {
	n, out := 0, &r.cells
	if bytes.IndexByte(line, '"') < 0 {
		for rest := line; ; n++ {
			cell, after, more := bytes.Cut(rest, []byte{','})
			if n < columns {
				out[n] = cell
			}
			if !more {
				n++
				break
			}
			rest = after
		}
	} else {
		row, err := csv.NewReader(bytes.NewReader(line)).Read()
		if err != nil {
			return r.fault("%v", err)
		}
		for n = range row {
			if n < columns {
				out[n] = []byte(row[n])
			}
		}
		n = len(row)
	}
	if n != columns {
		return r.fault("%d columns, want %d", n, columns)
	}
	return nil
}

// picture adds a line's picture.
func (r *indexReader) picture(cells *[columns][]byte) error {
	p := part{listed: true, split: r.name(cells[colSplit]), generator: r.name(cells[colGenerator])}
	switch string(cells[colLabel]) {
	case LabelNames[AI]:
		p.label = AI
	case LabelNames[Photograph]:
		p.label = Photograph
	default:
		return r.fault("label %q: want ai or nature", cells[colLabel])
	}
	if p.split != Train && p.split != Val && p.split != Test {
		return r.fault("split %q: want train, val or test", p.split)
	}
	if len(cells[colPath]) == 0 {
		return r.fault("the path is empty")
	}
	it := Item{Path: r.path(cells[colPath]), Generator: p.generator, Label: p.label}
	var err error
	if it.W, err = r.side(cells[colWidth]); err != nil {
		return err
	}
	if it.H, err = r.side(cells[colHeight]); err != nil {
		return err
	}
	if len(cells[colMask]) > 0 {
		it.Mask = r.path(cells[colMask])
	}
	if len(cells[colOffset]) > 0 {
		if err := r.member(&it, cells); err != nil {
			return err
		}
	}
	if len(r.all) == cap(r.all) { // the parts are stretches of it: it must stay where it is
		return r.fault("the index grows while it is read")
	}
	r.all = append(r.all, it)
	r.stretch(p)
	return nil
}

// stretch makes the last picture one of the part before it, or the first of another part.
func (r *indexReader) stretch(p part) {
	parts := r.c.parts
	if n := len(parts) - 1; n >= 0 {
		if q := &parts[n]; q.split == p.split && q.generator == p.generator && q.label == p.label {
			q.list = q.list[:len(q.list)+1]
			return
		}
	}
	p.dir = r.file
	p.list = r.all[len(r.all)-1:]
	r.c.parts = append(parts, p)
}

// member says where in its shard a picture lies.
func (r *indexReader) member(it *Item, cells *[columns][]byte) error {
	archive, _, ok := splitShard(it.Path)
	if !ok {
		return r.fault("offset %s, but %s is in no .tar", cells[colOffset], cells[colPath])
	}
	var err error
	if it.span, err = r.span(cells[colOffset], cells[colBytes]); err != nil {
		return err
	}
	it.shard = r.shards[archive]
	if it.shard == nil {
		it.shard = newShard(strings.Clone(archive))
		r.shards[it.shard.path] = it.shard
	}
	if len(cells[colMaskOffset]) > 0 {
		s, err := r.span(cells[colMaskOffset], cells[colMaskBytes])
		if err != nil {
			return err
		}
		it.shard.masks[it.Mask] = s
	}
	return nil
}

func (r *indexReader) span(at, n []byte) (s span, err error) {
	s.at, err = strconv.ParseInt(string(at), 10, 64)
	if err == nil {
		s.n, err = strconv.ParseInt(string(n), 10, 64)
	}
	if err != nil || s.at < 0 || s.n < 0 {
		return s, r.fault("offset %q and bytes %q: want two whole numbers", at, n)
	}
	return s, nil
}

// side reads a width or a height.
func (r *indexReader) side(cell []byte) (uint16, error) {
	v := 0
	for _, c := range cell {
		if c < '0' || c > '9' || v > 65535 {
			return 0, r.fault("size %q: want pixels", cell)
		}
		v = 10*v + int(c-'0')
	}
	if v > 65535 {
		return 0, r.fault("size %q: want pixels", cell)
	}
	return uint16(v), nil
}

// name gives one string for all cells that say the same.
func (r *indexReader) name(cell []byte) string {
	if s, ok := r.names[string(cell)]; ok {
		return s
	}
	s := string(cell)
	r.names[s] = s
	return s
}

// path is a cell's path from the index's folder on, cut out of a block that many share.
func (r *indexReader) path(cell []byte) string {
	const block = 1 << 20
	need := len(r.root) + 1 + len(cell)
	if r.block.Cap()-r.block.Len() < need {
		r.block = strings.Builder{}
		r.block.Grow(max(block, need))
	}
	from := r.block.Len()
	if !filepath.IsAbs(string(cell[:min(len(cell), 4)])) { // the beginning tells
		if r.root != "." {
			r.block.WriteString(r.root)
			if r.root[len(r.root)-1] != filepath.Separator {
				r.block.WriteByte(filepath.Separator)
			}
		}
	}
	r.block.Write(cell)
	path := r.block.String()[from:]
	if filepath.Separator != '/' || !isClean(path) {
		path = filepath.Clean(filepath.FromSlash(path))
	}
	return path
}

// isClean says that a path has nothing that Clean would change, but for odd cases that it tells wrongly to be
// unclean.
func isClean(path string) bool { return !strings.Contains(path, "//") && !strings.Contains(path, "/.") }

// Splits are the parts that the collection has, in the order in which they come.
func (c *Collection) Splits() (out []string) {
	for _, p := range c.parts {
		if !slices.Contains(out, p.split) {
			out = append(out, p.split)
		}
	}
	return out
}
