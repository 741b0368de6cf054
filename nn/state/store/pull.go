package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"time"

	"truegrain/nn/state"
)

// Pull fetches one weight file over HTTP. The zero value of a field takes what is named beside it.
type Pull struct {
	URL   string
	Known string // its SHA-256 in 64 hexadecimal digits; "": its name must have some of them
	// Progress is told how many bytes have come of how many; total is -1 where the server does not say.
	Progress func(done, total int64)
	// Waiting is told what ended a connection, and for how long nothing happens before the next.
	Waiting  func(why error, pause time.Duration)
	Stall    time.Duration // without a byte ends a connection: a minute
	Pause    time.Duration // before the second connection, twice as long before each after it: a second
	Tries    int           // connections in a row that may bring nothing: 5
	MaxBytes int64         // MaxBytes
}

// ErrURL says that an address is none that can be pulled.
var ErrURL = errors.New("want an http or https address of a file")

// Pull fetches a file into the store. What an interrupted one has left is completed if the server still has
// the same file and serves ranges (RFC 9110, 14.2), and fetched anew otherwise. The file comes to its place
// when it is whole, has the right SHA-256 and is a weight file.
func (s Store) Pull(ctx context.Context, p Pull) (*Stored, error) {
	name, err := p.complete()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("store of weights: %w", err)
	}
	if there, err := s.present(name, p.Known); err != nil || there != nil {
		return there, err
	}
	f, err := os.OpenFile(s.Path("."+name+".part"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	defer f.Close()
	d := &download{Pull: p, file: f}
	if err := d.all(ctx); err != nil {
		return nil, fmt.Errorf("pull %s: %w", p.URL, err)
	}
	out := &Stored{Path: s.Path(name), Bytes: d.have, Checked: true}
	if out.SHA256, err = d.accept(name); err != nil {
		return nil, fmt.Errorf("pull %s: %w", p.URL, errors.Join(err, d.forget()))
	}
	if err := state.Place(f, out.Path); err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	return out, removed(os.Remove(d.notesPath()))
}

// complete fills in defaults and gives the file's name.
func (p *Pull) complete() (string, error) {
	u, err := url.Parse(p.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("pull %q: %w", p.URL, ErrURL)
	}
	name := path.Base(u.Path)
	if err := errors.Join(checkName(name), checkDigest(p.Known)); err != nil {
		return "", err
	}
	if p.Known == "" && Published(name) == "" {
		return "", fmt.Errorf("pull %s: nothing says what SHA-256 it has: its name has no digits, as in "+
			"resnet50-11ad3fa6.pth; say it with --sha256", name)
	}
	p.Stall, p.Pause = cmp.Or(p.Stall, time.Minute), cmp.Or(p.Pause, time.Second)
	p.Tries, p.MaxBytes = cmp.Or(p.Tries, 5), cmp.Or(p.MaxBytes, MaxBytes)
	if p.Progress == nil {
		p.Progress = func(int64, int64) {}
	}
	if p.Waiting == nil {
		p.Waiting = func(error, time.Duration) {}
	}
	return name, nil
}

// present is the file that the store has already, if that is sound.
func (s Store) present(name, known string) (*Stored, error) {
	at, ok := s.Find(name)
	if !ok {
		return nil, nil
	}
	f, err := os.Open(at)
	if err != nil {
		return nil, fmt.Errorf("store of weights: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	sum, err := sumOf(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("store of weights: %w", err)
	}
	if checkSum(name, sum, known) != nil {
		return nil, nil // it is fetched anew
	}
	return &Stored{Path: at, SHA256: sum, Bytes: info.Size(), Checked: true, Already: true}, nil
}

// notes is what must be the same for a download to go on, beside its file.
type notes struct {
	URL   string `json:"url"`
	Tag   string `json:"tag"`   // of this version of the file: a strong ETag, or the time of its last change
	Total int64  `json:"total"` // bytes; -1: unknown
}

// download is a file on its way: have bytes of it are in file.
type download struct {
	Pull
	file  *os.File
	notes notes
	have  int64
}

func (d *download) notesPath() string { return d.file.Name() + ".json" }

// takeUp finds what an earlier download has left, or begins anew.
func (d *download) takeUp() error {
	src, err := os.ReadFile(d.notesPath())
	if err == nil && len(src) < 1<<16 && json.Unmarshal(src, &d.notes) == nil && d.notes.URL == d.URL &&
		d.notes.Tag != "" {
		d.have, err = d.file.Seek(0, io.SeekEnd)
		return err
	}
	return d.anew(notes{URL: d.URL, Total: -1})
}

// anew throws away what has come so far.
func (d *download) anew(n notes) error {
	d.have, d.notes = 0, n
	if err := d.file.Truncate(0); err != nil {
		return err
	}
	if _, err := d.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	js, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return state.Atomic(d.notesPath(), func(w io.Writer) error { _, err := w.Write(js); return err })
}

// forget removes what would only be refused again.
func (d *download) forget() error {
	return errors.Join(removed(os.Remove(d.file.Name())), removed(os.Remove(d.notesPath())))
}

// removed is the error of a removal; what was not there is gone as well.
func removed(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// all opens connections until the file is complete, or nothing more comes.
func (d *download) all(ctx context.Context) error {
	if err := d.takeUp(); err != nil {
		return err
	}
	pause, idle := d.Pause, 0
	for {
		before := d.have
		done, err := d.connection(ctx)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%w; %d bytes are kept: the same command goes on", context.Cause(ctx), d.have)
		case done && err == nil:
			return nil
		case errors.As(err, new(finalError)):
			return err
		case d.have > before:
			pause, idle = d.Pause, 0
		}
		if idle++; idle >= d.Tries {
			return fmt.Errorf("%w; %d connections brought nothing, %d bytes are kept: the same command goes on",
				err, idle, d.have)
		}
		d.Waiting(err, pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause *= 2
	}
}

// accept checks the complete file and gives its SHA-256.
func (d *download) accept(name string) (string, error) {
	sum, err := sumOf(d.file, d.have)
	if err != nil {
		return "", err
	}
	if err := checkSum(name, sum, d.Known); err != nil {
		return "", err
	}
	return sum, valid(d.file.Name(), name)
}
