package data

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"truegrain/nn/state"
)

// shardsKey is the file that says what set the shards of an unfinished folder are of.
const shardsKey = "shards.part"

// WriteShards copies the pictures of some collections into tar shards of perShard each (WebDataset), in an
// order drawn from the seed, so that reading shards from front to back is reading at random, and writes an
// index beside them. A shard is whole or not there; interrupted, the work goes on with those that are
// missing. The same pictures, seed and perShard give the same bytes.
func WriteShards(ctx context.Context, dir string, sources []string, perShard int, seed uint64,
	w Work) (shards, pictures, skipped int, err error) {
	if perShard < 1 {
		return 0, 0, 0, fmt.Errorf("shards: %d pictures a shard: want at least 1", perShard)
	}
	all, skipped, err := entriesOf(sources, w.Exclude)
	if err != nil {
		return 0, 0, 0, err
	}
	if err := claimShards(dir, fmt.Sprintf("%s %d %d", keyOf(all), perShard, seed)); err != nil {
		return 0, 0, 0, err
	}
	names, order := memberNames(all), Permutation(seed, 0, len(all))
	shards = (len(all) + perShard - 1) / perShard
	err = inOrder(ctx, 0, shards, func(k int) error {
		members := order[k*perShard : min((k+1)*perShard, len(all))]
		return writeShard(filepath.Join(dir, fmt.Sprintf("%06d.tar", k)), all, names, members)
	}, func(k int, err error) error {
		if err == nil && w.Progress != nil {
			w.Progress(min((k+1)*perShard, len(all)), len(all))
		}
		return err
	})
	if err != nil {
		return 0, 0, 0, err
	}
	if _, _, err = WriteIndex(ctx, filepath.Join(dir, indexName), []string{dir}, Work{}); err != nil {
		return 0, 0, 0, err
	}
	torn, err := filepath.Glob(filepath.Join(globQuote(dir), ".*.tar.*")) // what a kill left half written
	if err != nil {
		return 0, 0, 0, fmt.Errorf("shards: %w", err)
	}
	for _, file := range append(torn, filepath.Join(dir, shardsKey)) {
		if err := os.Remove(file); err != nil {
			return 0, 0, 0, fmt.Errorf("shards: %w", err)
		}
	}
	return shards, len(all), skipped, nil
}

// claimShards makes a folder that of a set's shards, or finds that it is.
func claimShards(dir, key string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("shards: %w", err)
	}
	file := filepath.Join(dir, shardsKey)
	was, err := os.ReadFile(file)
	switch {
	case err == nil && string(was) == key:
		return nil
	case err == nil || len(shardsIn(dir)) > 0:
		return fmt.Errorf(
			"shards: %s holds shards of another set, or whole ones: empty it, or name another folder", dir)
	case !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("shards: %w", err)
	}
	return state.Atomic(file, func(w io.Writer) error {
		_, err := io.WriteString(w, key)
		return err
	})
}

// memberNames are the names in the shards, without ending: GENERATOR/SPLIT/CLASS/NAME, each only once. A
// sample of a picture and its mask is named by its folder, as its files are called alike in all of them.
func memberNames(all []entry) []string {
	names, used := make([]string, len(all)), map[string]bool{}
	for i := range all {
		e := &all[i]
		base := filepath.Base(e.Path)
		base = strings.TrimSuffix(base, filepath.Ext(base))
		if base == "edited" || base == "original" {
			base = filepath.Base(filepath.Dir(e.Path)) + "-" + base
		}
		generator := strings.Map(func(r rune) rune {
			if r == '/' || r == '\\' {
				return '_'
			}
			return r
		}, e.Generator)
		name := path.Join(generator, e.split, LabelNames[e.Label], strings.ReplaceAll(base, ".", "_"))
		for n, first := 2, name; used[name]; n++ {
			name = first + "~" + strconv.Itoa(n)
		}
		used[name], names[i] = true, name
	}
	return names
}

// writeShard writes the members of one shard, unless it is there.
func writeShard(file string, all []entry, names []string, members []int) error {
	if isFile(file) {
		return nil
	}
	return state.Atomic(file, func(w io.Writer) error {
		t := tar.NewWriter(w)
		for _, i := range members {
			if err := writeSample(t, &all[i].Item, names[i]); err != nil {
				return err
			}
		}
		return t.Close()
	})
}

// writeSample writes a picture, its class and its mask.
func writeSample(t *tar.Writer, it *Item, name string) error {
	add := func(ending string, src []byte) error {
		h := &tar.Header{Name: name + strings.ToLower(ending), Typeflag: tar.TypeReg, Mode: 0o644,
			Size: int64(len(src)), ModTime: time.Unix(0, 0)}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		_, err := t.Write(src)
		return err
	}
	src, err := it.Bytes()
	if err != nil {
		return fmt.Errorf("%w ('truegrain data check' lists all that can't be read)", err)
	}
	if err := add(filepath.Ext(it.Path), src); err != nil {
		return err
	}
	if err := add(".cls", []byte{byte('0' + it.Label)}); err != nil || it.Mask == "" {
		return err
	}
	if src, err = it.maskBytes(); err != nil {
		return err
	}
	return add(".mask"+filepath.Ext(it.Mask), src)
}
