package data

import (
	"archive/tar"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"truegrain/tensor/picture"
)

// shard is a tar file whose members are read where they lie. It is opened once, when its first member is
// read, and stays open.
type shard struct {
	path  string
	masks map[string]span // by the path of the member
	open  func() (*os.File, error)
}

// span is where a member's bytes lie.
type span struct{ at, n int64 }

func newShard(path string) *shard {
	return &shard{path: path, masks: map[string]span{},
		open: sync.OnceValues(func() (*os.File, error) { return os.Open(path) })}
}

// read is the bytes of a member.
func (s *shard) read(name string, at span) ([]byte, error) {
	if at.n > picture.DefaultLimits.FileBytes {
		return nil, &picture.Error{File: name,
			Reason: fmt.Sprintf("%v: the file has %d bytes, the limit is %d", picture.ErrTooLarge, at.n,
				picture.DefaultLimits.FileBytes), Err: picture.ErrTooLarge}
	}
	f, err := s.open()
	if err != nil {
		return nil, &picture.Error{File: name, Reason: err.Error(), Err: err}
	}
	out := make([]byte, at.n)
	if _, err := f.ReadAt(out, at.at); err != nil {
		return nil, &picture.Error{File: name, Reason: "the shard is cut short", Err: picture.ErrTruncated}
	}
	return out, nil
}

// shardsIn is the tar files right in a folder.
func shardsIn(dir string) []string {
	found, err := filepath.Glob(filepath.Join(globQuote(dir), "*.tar"))
	if err != nil {
		return nil // globQuote leaves no pattern to be wrong
	}
	slices.Sort(found)
	return found
}

// openShards takes the index that lies beside the shards, or reads their headers.
func openShards(dir string, shards []string) (*Collection, error) {
	if index := filepath.Join(dir, indexName); isFile(index) {
		return readIndex(index)
	}
	return scanShards(dir, shards)
}

// member is a file in a shard.
type member struct {
	name string
	span span
}

// wdsSample is what a WebDataset shard has under one key.
type wdsSample struct{ picture, class, mask member }

// scanShards lists the pictures of shards by their headers. Members that share their name up to its first dot
// belong together (WebDataset): NAME.png, NAME.cls (0 is AI, 1 a photograph), NAME.mask.png. Where the
// folders in the name are those of a layout, they say class, split and generator.
func scanShards(root string, shards []string) (*Collection, error) {
	c := &Collection{Root: root}
	for _, file := range shards {
		s := newShard(file)
		samples, order, err := scanTar(file)
		if err != nil {
			return nil, err
		}
		for _, key := range order {
			x := samples[key]
			if x.picture.name == "" {
				continue
			}
			p, err := s.classOf(x)
			if err != nil {
				return nil, err
			}
			it := Item{Path: s.at(x.picture.name), Generator: p.generator, Label: p.label, shard: s,
				span: x.picture.span}
			if x.mask.name != "" {
				it.Mask = s.at(x.mask.name)
				s.masks[it.Mask] = x.mask.span
			}
			c.add(p, it)
		}
	}
	return c, nil
}

// at is the path of a member.
func (s *shard) at(name string) string { return filepath.Join(s.path, filepath.FromSlash(name)) }

// scanTar reads the headers of a shard. Members of other kinds than files, and names that lead out of the
// shard, are refused.
func scanTar(file string) (samples map[string]*wdsSample, order []string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, fmt.Errorf("shard: %w", err)
	}
	defer f.Close()
	samples = map[string]*wdsSample{}
	r := tar.NewReader(f)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return samples, order, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("shard %s: behind %d pictures: %w", file, len(order), err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		name := path.Clean(h.Name)
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return nil, nil, fmt.Errorf("shard %s: the member %q lies outside of the shard", file, h.Name)
		}
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, nil, fmt.Errorf("shard %s: %w", file, err)
		}
		key, ext := wdsKey(name)
		x := samples[key]
		if x == nil {
			x = &wdsSample{}
			samples[key] = x
			order = append(order, key)
		}
		x.take(ext, member{name, span{at, h.Size}})
	}
}

// take puts a member in its place by its ending.
func (x *wdsSample) take(ext string, m member) {
	switch {
	case ext == "cls":
		x.class = m
	case strings.HasPrefix(ext, "mask."):
		x.mask = m
	case isPictureName(m.name):
		x.picture = m
	}
}

// wdsKey parts a member's name at the first dot of its last element.
func wdsKey(name string) (key, ext string) {
	dir, base := path.Split(name)
	stem, ext, _ := strings.Cut(base, ".")
	return dir + stem, ext
}

// classOf says what class, split and generator a sample is of: by its folders or by its .cls.
func (s *shard) classOf(x *wdsSample) (part, error) {
	p := part{dir: s.path, listed: true, label: -1}
	dirs := strings.Split(path.Dir(x.picture.name), "/")
	for _, dir := range dirs {
		lower := strings.ToLower(dir)
		if label, ok := classFolders[lower]; ok {
			p.label = label
		} else if split, ok := splitFolders[lower]; ok && p.split == "" {
			p.split = split
		} else if dir != "." && (p.split == "" || p.generator == "") {
			p.generator = dir
		}
	}
	p.split = cmp.Or(p.split, Train)
	p.generator = cmp.Or(p.generator, filepath.Base(filepath.Dir(s.path)))
	if x.class.name != "" && x.class.span.n <= 8 {
		word, err := s.read(s.at(x.class.name), x.class.span)
		if err != nil {
			return p, err
		}
		switch strings.TrimSpace(string(word)) {
		case "0":
			p.label = AI
		case "1":
			p.label = Photograph
		default:
			return p, fmt.Errorf("shard %s: %s says class %.8q: want 0 (AI) or 1 (photograph)", s.path,
				x.class.name, word)
		}
	}
	if p.label < 0 {
		return p, fmt.Errorf("shard %s: nothing says the class of %s: want a member %s.cls "+
			"with 0 (AI) or 1 (photograph), or a folder ai or nature",
			s.path, x.picture.name, strings.TrimSuffix(x.picture.name, path.Ext(x.picture.name)))
	}
	return p, nil
}

// add puts an item behind the others of its part, opening a new stretch where the part changes.
func (c *Collection) add(p part, it Item) {
	if n := len(c.parts) - 1; n >= 0 {
		if q := &c.parts[n]; q.split == p.split && q.generator == p.generator && q.label == p.label {
			q.list = append(q.list, it)
			return
		}
	}
	p.list = append(p.list, it)
	c.parts = append(c.parts, p)
}

// splitShard parts the path of a member at its shard.
func splitShard(path string) (archive, name string, ok bool) {
	const sign = ".tar" + string(filepath.Separator)
	i := strings.Index(path, sign)
	if i < 0 {
		return path, "", false
	}
	return path[:i+len(sign)-1], path[i+len(sign):], true
}

// scanned keeps the headers of shards that members were asked of by path.
var scanned sync.Map // path of a shard to map[string]span by name

// readMember is the bytes of a member by its path.
func readMember(path string) ([]byte, error) {
	archive, name, _ := splitShard(path)
	spans, ok := scanned.Load(archive)
	if !ok {
		samples, _, err := scanTar(archive)
		if err != nil {
			return nil, &picture.Error{File: path, Reason: err.Error(), Err: err}
		}
		m := map[string]span{}
		for _, x := range samples {
			m[x.picture.name], m[x.mask.name] = x.picture.span, x.mask.span
		}
		spans, _ = scanned.LoadOrStore(archive, m)
	}
	at, ok := spans.(map[string]span)[filepath.ToSlash(name)]
	if !ok || name == "" {
		return nil, &picture.Error{File: path, Reason: "the shard has no such member", Err: os.ErrNotExist}
	}
	f, err := os.Open(archive)
	if err != nil {
		return nil, &picture.Error{File: path, Reason: err.Error(), Err: err}
	}
	defer f.Close()
	s := &shard{path: archive, open: func() (*os.File, error) { return f, nil }}
	return s.read(path, at)
}
