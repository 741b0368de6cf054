package evaluate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Kept are predictions that stay on disk while an evaluation runs, so that an interrupted one goes on where
// it was: one JSON line each, behind a first line that says what they are of.
type Kept struct {
	by    map[string]keptLine
	file  *os.File // nil: in memory only
	w     *bufio.Writer
	saved time.Time
}

// keptLine is a prediction with the picture's size and time when it was made.
type keptLine struct {
	Bytes int64 `json:"bytes"`
	Time  int64 `json:"time"` // nanoseconds since 1970
	Prediction
}

// keptHeader is the first line: predictions of anything else are not used.
type keptHeader struct {
	Of map[string]string `json:"of"`
}

// Keep opens the predictions of something that is described by of, in a file; "" keeps them in memory. A file
// of something else is begun anew. An unfinished last line, which an interruption leaves, is cut off.
func Keep(path string, of map[string]string) (*Kept, error) {
	k := &Kept{by: map[string]keptLine{}, saved: time.Now()}
	if path == "" {
		return k, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("predictions: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("predictions: %w", err)
	}
	whole, err := k.read(f, of)
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	k.file, k.w = f, bufio.NewWriter(f)
	if err == nil && whole == 0 {
		err = k.line(keptHeader{of})
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("predictions %s: %w", path, err)
	}
	return k, nil
}

// read takes in whole lines and says where they end; 0 if they are of something else.
func (k *Kept) read(f *os.File, of map[string]string) (whole int64, err error) {
	r := bufio.NewReader(f)
	for n := 0; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return whole, nil
		}
		if err != nil {
			return 0, err
		}
		if n == 0 {
			var h keptHeader
			if json.Unmarshal(line, &h) != nil || !same(h.Of, of) {
				return 0, nil
			}
		} else {
			var l keptLine
			dec := json.NewDecoder(bytes.NewReader(line))
			dec.DisallowUnknownFields()
			if dec.Decode(&l) != nil {
				return whole, nil // what stands behind a damaged line is computed again
			}
			k.by[l.key()] = l
		}
		whole += int64(len(line))
	}
}

func same(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for key, v := range a {
		if b[key] != v {
			return false
		}
	}
	return true
}

func (p *Prediction) key() string { return p.Shown + "\x00" + p.File }

// Get is the prediction of a file, shown in some way, if there is one that was made of the file as it is.
func (k *Kept) Get(file, shown string) (Prediction, bool) {
	l, ok := k.by[(&Prediction{File: file, Shown: shown}).key()]
	if !ok {
		return Prediction{}, false
	}
	bytes, at := stamp(file)
	return l.Prediction, l.Bytes == bytes && l.Time == at
}

// stamp is what changes when a file does; zeros if it is not a file, as a member of a shard.
func stamp(file string) (bytes, at int64) {
	info, err := os.Stat(file)
	if err != nil {
		return 0, 0
	}
	return info.Size(), info.ModTime().UnixNano()
}

// saveEvery is how often predictions reach the disk.
const saveEvery = 2 * time.Second

// Put keeps a prediction.
func (k *Kept) Put(p Prediction) error {
	l := keptLine{Prediction: p}
	l.Bytes, l.Time = stamp(p.File)
	k.by[p.key()] = l
	if k.file == nil {
		return nil
	}
	if err := k.line(l); err != nil {
		return fmt.Errorf("predictions: %w", err)
	}
	if time.Since(k.saved) < saveEvery {
		return nil
	}
	k.saved = time.Now()
	if err := k.w.Flush(); err != nil {
		return fmt.Errorf("predictions: %w", err)
	}
	return nil
}

func (k *Kept) line(v any) error {
	js, err := json.Marshal(v)
	if err == nil {
		_, err = k.w.Write(append(js, '\n'))
	}
	return err
}

// Close writes what has not been written.
func (k *Kept) Close() error {
	if k.file == nil {
		return nil
	}
	if err := errors.Join(k.w.Flush(), k.file.Sync(), k.file.Close()); err != nil {
		return fmt.Errorf("predictions: %w", err)
	}
	return nil
}
